//! Everything before the tensor data, parsed and checked.

use std::{collections::HashMap, ops::Range, path::Path};

use super::{
    super::ModelError,
    metadata::Metadata,
    reader::Reader,
    tensor::{TensorInfo, TensorType, foreign_type_name},
    value::Value,
};

/// Dimensions a tensor may have in ggml.
const MAX_DIMENSIONS: u32 = 4;
/// Bytes that a metadata pair takes at least: key length, type, one byte of value.
const MIN_PAIR: usize = 8 + 4 + 1;
/// Bytes that a tensor entry takes at least: name length, dimension count, one dimension, type, offset.
const MIN_TENSOR: usize = 8 + 4 + 8 + 4 + 8;

/// Header, metadata and tensor list of a file.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) metadata: Metadata,
    pub(super) tensors: Vec<TensorInfo>,
    /// Position in `tensors` by name.
    pub(super) index: HashMap<String, usize>,
    /// Where the metadata's pairs lie, and how many there are.
    pub(super) pairs: (Range<usize>, u64),
}

impl Header {
    /// Parses the beginning of `bytes`, which are the whole file, and checks that all tensor data lies within.
    pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ModelError> {
        let reader = &mut Reader::new(path, bytes);
        let version = read_version(reader)?;
        let tensor_count = reader.count(MIN_TENSOR, "the number of tensors")?;
        let pair_count = reader.count(MIN_PAIR, "the number of metadata entries")?;
        let pairs_start = reader.position();
        let metadata = read_metadata(reader, path, pair_count)?;
        let pairs = (pairs_start..reader.position(), pair_count as u64);
        let alignment = alignment(&metadata)?;

        let mut tensors = Vec::with_capacity(tensor_count);
        let mut index = HashMap::with_capacity(tensor_count);
        for position in 0..tensor_count {
            let at = reader.position() as u64;
            let info = read_tensor(reader, path)?;
            if index.insert(info.name.clone(), position).is_some() {
                return Err(reader.error_at(at, format!("tensor `{}` is listed twice", info.name)));
            }
            tensors.push(info);
        }
        let data_start = (reader.position() as u64).next_multiple_of(alignment);
        place_tensors(reader, &mut tensors, data_start, alignment, bytes.len() as u64)?;
        Ok(Self { version, metadata, tensors, index, pairs })
    }
}

fn read_version(reader: &mut Reader<'_>) -> Result<u32, ModelError> {
    let magic = reader.take(4, "the magic number")?;
    if magic != b"GGUF" {
        let problem = format!("not a GGUF file: it starts with {:?}", String::from_utf8_lossy(magic));
        return Err(reader.error_at(0, problem));
    }
    match reader.u32("the version")? {
        version @ (2 | 3) => Ok(version),
        swapped if matches!(swapped.swap_bytes(), 1..=3) => {
            Err(reader.error_at(4, "a big-endian GGUF file; convert it to little-endian"))
        }
        other => Err(reader.error_at(4, format!("GGUF version {other}; versions 2 and 3 can be read"))),
    }
}

fn read_metadata(reader: &mut Reader<'_>, path: &Path, count: usize) -> Result<Metadata, ModelError> {
    let mut metadata = Metadata::new(path);
    for _ in 0..count {
        let at = reader.position() as u64;
        let key = reader.string("a metadata key")?;
        let value = Value::read(reader, key)?;
        if !metadata.insert(key, value) {
            return Err(reader.error_at(at, format!("metadata key `{key}` is given twice")));
        }
    }
    Ok(metadata)
}

fn alignment(metadata: &Metadata) -> Result<u64, ModelError> {
    const KEY: &str = "general.alignment";
    let alignment = metadata.unsigned(KEY)?.unwrap_or(32);
    if alignment.is_power_of_two() && (8..=1 << 20).contains(&alignment) {
        Ok(alignment as u64)
    } else {
        Err(metadata.error(KEY, format!("is {alignment}; a power of two from 8 to 1048576 is expected")))
    }
}

/// Reads one entry of the tensor list; its offset is still relative to the start of the data.
fn read_tensor(reader: &mut Reader<'_>, path: &Path) -> Result<TensorInfo, ModelError> {
    let name = reader.string("a tensor's name")?.to_owned();
    let what = format!("tensor `{name}`");
    let at = reader.position() as u64;
    let dimensions = reader.u32(&what)?;
    if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
        return Err(
            reader.error_at(at, format!("{what} has {dimensions} dimensions; 1 to {MAX_DIMENSIONS} are possible"))
        );
    }
    let mut shape = Vec::with_capacity(dimensions as usize);
    for _ in 0..dimensions {
        let at = reader.position() as u64;
        let size = reader.u64(&what)?;
        match usize::try_from(size) {
            Ok(size) if size > 0 => shape.push(size),
            _ => return Err(reader.error_at(at, format!("{what} has a dimension of {size}"))),
        }
    }
    shape.reverse();
    let code = reader.u32(&what)?;
    let Some(tensor_type) = TensorType::from_code(code) else {
        let supported = TensorType::ALL.map(TensorType::name).join(", ");
        let what = format!("{} (ggml type {code}) of {what}", foreign_type_name(code));
        return Err(ModelError::unsupported(path, what, format!("use a file whose tensors are {supported}")));
    };
    let at = reader.position() as u64;
    let info = TensorInfo { name, shape, tensor_type, offset: reader.u64(&what)? };
    check_size(&info).map_err(|problem| reader.error_at(at, format!("{what} {problem}")))?;
    Ok(info)
}

/// Rules out sizes that [`TensorInfo`]'s arithmetic would overflow on. f32 copies must be possible, so bytes at 4 an element.
fn check_size(info: &TensorInfo) -> Result<(), String> {
    let elements = info.shape.iter().try_fold(4_usize, |product, size| product.checked_mul(*size));
    if elements.is_none_or(|bytes| bytes > isize::MAX as usize) {
        return Err(format!("has shape {:?}, which is too large for this machine", info.shape));
    }
    let block = info.tensor_type.block_len();
    if !info.row_len().is_multiple_of(block) {
        let (name, row) = (info.tensor_type.name(), info.row_len());
        return Err(format!("has rows of {row} elements, but {name} needs a multiple of {block}"));
    }
    Ok(())
}

/// Makes offsets absolute, and checks that data is aligned, within the file, and not shared by two tensors.
fn place_tensors(
    reader: &Reader<'_>,
    tensors: &mut [TensorInfo],
    data_start: u64,
    alignment: u64,
    file_len: u64,
) -> Result<(), ModelError> {
    for info in tensors.iter_mut() {
        if !info.offset.is_multiple_of(alignment) {
            let problem = format!("tensor `{}` has offset {}, not a multiple of {alignment}", info.name, info.offset);
            return Err(reader.error_at(data_start, problem));
        }
        let end = data_start.checked_add(info.offset).and_then(|start| start.checked_add(info.byte_len() as u64));
        if end.is_none_or(|end| end > file_len) {
            let (name, offset, len) = (&info.name, info.offset, info.byte_len());
            let problem = format!(
                "tensor `{name}` ({len} bytes at data offset {offset}) ends beyond the file's {file_len} bytes; the file is truncated or corrupt"
            );
            return Err(reader.error_at(data_start, problem));
        }
        info.offset += data_start;
    }
    let mut by_offset: Vec<&TensorInfo> = tensors.iter().collect();
    by_offset.sort_unstable_by_key(|info| info.offset);
    for pair in by_offset.windows(2) {
        if pair[0].offset + pair[0].byte_len() as u64 > pair[1].offset {
            let problem = format!("tensors `{}` and `{}` overlap", pair[0].name, pair[1].name);
            return Err(reader.error_at(pair[1].offset, problem));
        }
    }
    Ok(())
}
