//! Adapters on disk: a folder in PEFT's format.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::Write,
    path::Path,
};

use burn::tensor::{Device, Tensor, TensorData};
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{
    super::{ModelConfig, ModelError},
    Lora, LoraParam, Projection, Shape, Slot,
    peft::{self, CONFIG_FILE, WEIGHTS_FILE},
};
use crate::settings::LoraSettings;

impl Lora {
    /// Writes the adapter into the folder `dir`, which is created if need be. Files are synced before this returns;
    /// making the whole folder appear at once is up to the caller (write to another name, then rename).
    ///
    /// `base_name` becomes `base_model_name_or_path`.
    ///
    /// # Errors
    /// [`ModelError::Adapter`] if a value is not finite: nothing is written then; [`ModelError::Io`] for the disk.
    pub fn save(&self, dir: &Path, base_name: &str) -> Result<(), ModelError> {
        let weights = self.to_safetensors(dir)?;
        let config = serde_json::to_string_pretty(&peft::config(self, base_name))
            .map_err(|e| ModelError::adapter(dir, e.to_string()))?;
        fs::create_dir_all(dir).map_err(|e| ModelError::io("create", dir, e))?;
        write_synced(&dir.join(WEIGHTS_FILE), &weights)?;
        write_synced(&dir.join(CONFIG_FILE), format!("{config}\n").as_bytes())?;
        File::open(dir).and_then(|folder| folder.sync_all()).map_err(|e| ModelError::io("sync", dir, e))
    }

    fn to_safetensors(&self, dir: &Path) -> Result<Vec<u8>, ModelError> {
        let bytes = |param: &LoraParam| {
            let values =
                param.value.clone().try_into_vec_as::<f32>().map_err(|e| ModelError::Compute(format!("{e:?}")))?;
            require_finite(dir, &param.name, &values)?;
            Ok(values.into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>())
        };
        let data = self.params.iter().map(bytes).collect::<Result<Vec<_>, ModelError>>()?;
        let broken = |e: safetensors::SafeTensorError| ModelError::adapter(dir, e.to_string());
        let view = |(param, data): (&LoraParam, _)| {
            let view = TensorView::new(Dtype::F32, param.value.dims().to_vec(), data).map_err(broken)?;
            Ok((param.name.clone(), view))
        };
        let views = self.params.iter().zip(data.iter().map(Vec::as_slice)).map(view).collect::<Result<Vec<_>, _>>()?;
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        safetensors::serialize(views, Some(metadata)).map_err(broken)
    }

    /// Reads the adapter in the folder `dir`. It must fit the model, and have every matrix of every target and no
    /// others.
    ///
    /// # Errors
    /// [`ModelError::Adapter`] if it does not, needs an unsupported feature or has a value that is not finite;
    /// [`ModelError::Io`] if a file cannot be read.
    pub fn load(dir: &Path, config: &ModelConfig, device: &Device) -> Result<Self, ModelError> {
        let config_path = dir.join(CONFIG_FILE);
        let text = fs::read_to_string(&config_path).map_err(|e| ModelError::io("read", &config_path, e))?;
        let shape = peft::parse_config(&config_path, &text)?;
        let path = dir.join(WEIGHTS_FILE);
        let bytes = fs::read(&path).map_err(|e| ModelError::io("read", &path, e))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|e| ModelError::adapter(&path, e.to_string()))?;
        check_names(&path, &shape, config, &tensors)?;
        shape.build(config, |slot| read_tensor(&path, slot, &tensors, device))
    }

    /// Checks that settings describe this adapter, which was loaded from `dir`.
    ///
    /// # Errors
    /// [`ModelError::Adapter`] with the first difference and what to change.
    pub fn check_settings(&self, dir: &Path, settings: &LoraSettings) -> Result<(), ModelError> {
        let differs = |key: &str, ours: String, theirs: String| {
            let problem = format!(
                "has {theirs}, but the setting `lora.{key}` is {ours}; set it to {theirs} or take another adapter"
            );
            Err(ModelError::adapter(dir, problem))
        };
        if settings.r != self.rank {
            return differs("r", settings.r.to_string(), self.rank.to_string());
        }
        if settings.lora_alpha.to_bits() != self.alpha.to_bits() {
            return differs("lora_alpha", settings.lora_alpha.to_string(), self.alpha.to_string());
        }
        if settings.use_rslora != self.use_rslora {
            return differs("use_rslora", settings.use_rslora.to_string(), self.use_rslora.to_string());
        }
        let wanted =
            Projection::parse_all(&settings.target_modules).map_err(|e| super::setting("target_modules", &e))?;
        if wanted != self.targets {
            let names =
                |all: &[Projection]| format!("[{}]", all.iter().map(|p| p.name()).collect::<Vec<_>>().join(", "));
            return differs("target_modules", names(&wanted), names(&self.targets));
        }
        Ok(())
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let mut file = File::create(path).map_err(|e| ModelError::io("create", path, e))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|e| ModelError::io("write", path, e))
}

fn check_names(path: &Path, shape: &Shape, config: &ModelConfig, tensors: &SafeTensors<'_>) -> Result<(), ModelError> {
    let expected: Vec<String> = shape.slots(config).into_iter().map(|slot| slot.name).collect();
    let present: HashSet<&str> = tensors.names().into_iter().collect();
    let missing: Vec<&String> = expected.iter().filter(|name| !present.contains(name.as_str())).collect();
    if let Some(first) = missing.first() {
        let (count, of, layers) = (missing.len(), expected.len(), config.num_hidden_layers);
        let problem = format!(
            "{count} of the {of} tensors that its targets have in {layers} layers are missing, the first is `{first}`; \
             it is incomplete or belongs to another model"
        );
        return Err(ModelError::adapter(path, problem));
    }
    let expected: HashSet<&str> = expected.iter().map(String::as_str).collect();
    let mut foreign: Vec<&str> = present.into_iter().filter(|name| !expected.contains(name)).collect();
    foreign.sort_unstable();
    match foreign.first() {
        None => Ok(()),
        Some(first) => {
            let problem = format!(
                "{} tensors belong to no target in the model's {} layers, the first is `{first}`; the adapter belongs \
                 to another model, or its target_modules are incomplete",
                foreign.len(),
                config.num_hidden_layers
            );
            Err(ModelError::adapter(path, problem))
        }
    }
}

fn read_tensor(path: &Path, slot: &Slot, tensors: &SafeTensors<'_>, device: &Device) -> Result<Tensor<2>, ModelError> {
    let name = &slot.name;
    let view = tensors.tensor(name).map_err(|e| ModelError::adapter(path, format!("`{name}`: {e}")))?;
    if view.shape() != slot.dims {
        let problem = format!(
            "`{name}` has shape {:?}, but rank and model ask for {:?}; correct `r` in {CONFIG_FILE} or use the base \
             model that it was trained on",
            view.shape(),
            slot.dims
        );
        return Err(ModelError::adapter(path, problem));
    }
    let data = view.data();
    let halves = || data.chunks_exact(2).map(|b| [b[0], b[1]]);
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        Dtype::F16 => halves().map(|b| f16::from_le_bytes(b).to_f32()).collect(),
        Dtype::BF16 => halves().map(|b| bf16::from_le_bytes(b).to_f32()).collect(),
        other => {
            let problem = format!("`{name}` has type {other:?}; F32, F16 and BF16 can be read");
            return Err(ModelError::adapter(path, problem));
        }
    };
    require_finite(path, name, &values)?;
    Ok(Tensor::from_data(TensorData::new(values, slot.dims), device))
}

fn require_finite(path: &Path, name: &str, values: &[f32]) -> Result<(), ModelError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(ModelError::adapter(path, format!("`{name}`: element {at} is {}", values[at]))),
    }
}
