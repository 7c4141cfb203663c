//! Runs one after another, as `stages` of a configuration has them: each in a folder of its own below one for all, each from the adapter
//! that the one before left. What is finished is passed over, what was begun is taken up where it was left.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Herald, RunArgs, conduct, require, run, signals};
use crate::{
    cli::Failure,
    rl::setup,
    run::{
        atomic,
        event::{Event, RunEnded},
        folder::{FolderError, RunFolder, STAGES, make_default, of_all_stages},
        store::RunStore,
    },
    settings::{Settings, StageMethod},
    sft,
};

/// Trains all stages of `settings`.
///
/// # Errors
/// See [`Failure`].
pub fn train(args: &RunArgs, settings: Settings) -> Result<(), Failure> {
    for index in 0..settings.stages.len() {
        require(&settings.of_stage(index)?, true)?;
    }
    run(args, settings, |settings, herald| conduct_all(args, &settings, herald))
}

fn conduct_all(args: &RunArgs, settings: &Settings, herald: &mut Herald) -> Result<Option<String>, Failure> {
    signals::listen().map_err(|e| Failure::Environment(format!("cannot catch signals: {e}")))?;
    let root = folder(settings, args.resume)?;
    let mut adapter = None;
    let count = settings.stages.len();
    for (index, stage) in settings.stages.iter().enumerate() {
        let dir = stage_folder(&root, index, stage.method);
        let ended = match finished(&dir)? {
            Some(ended) => ended,
            None => conduct_one(args, settings, index, (&dir, adapter), herald)?,
        };
        if !ended.reason.is_done() {
            return Ok(Some(format!("stopped in stage {} of {count}; {}", index + 1, to_go_on(&root))));
        }
        adapter = Some(left_by(&ended, &dir)?);
        if let (Some(number), true) = (signals::received(), index + 1 < count) {
            tracing::warn!(
                "signal {number} came as stage {} ended: the next one is not begun; {}",
                index + 1,
                to_go_on(&root)
            );
            return Err(Failure::Signal(number));
        }
    }
    let adapter = adapter.unwrap_or_default();
    Ok(Some(format!("all {count} stages are done; the adapter that the last one left: {}", adapter.display())))
}

/// Trains a stage in its folder, from an adapter if there is one, anew or from where it was left.
fn conduct_one(
    args: &RunArgs,
    settings: &Settings,
    index: usize,
    (dir, adapter): (&Path, Option<PathBuf>),
    herald: &mut Herald,
) -> Result<RunEnded, Failure> {
    let method = settings.stages[index].method;
    let mut own = settings.of_stage(index)?;
    own.run.name = format!("{}-{method}", own.run.name);
    own.run.dir = Some(dir.to_owned());
    // The first stage starts from what its own settings name, or those of all.
    own.lora.init_adapter = adapter.or(own.lora.init_adapter);
    let begun = dir.join("run.db").is_file();
    let args = RunArgs { resume: begun, profile: profile(args, index), ..args.clone() };
    let conducted = match method {
        StageMethod::Sft => conduct(&args, own, herald, sft::setup::on_base)?,
        StageMethod::Grpo => conduct(&args, own, herald, setup::load)?,
    };
    conducted.unsignalled().map(|(ended, _)| ended)
}

/// What goes on where the stages were left.
fn to_go_on(root: &Path) -> String {
    format!("to go on: sqlr1-tui train --resume --run-dir {}", root.display())
}

/// The folder for all stages, with the settings in it.
fn folder(settings: &Settings, resume: bool) -> Result<PathBuf, Failure> {
    let root = match &settings.run.dir {
        Some(dir) => {
            if !resume && (dir.join(STAGES).exists() || dir.join("run.db").exists()) {
                return Err(FolderError::Taken(dir.clone()).into());
            }
            dir.clone()
        }
        None => make_default(&settings.run.name)?,
    };
    let cannot = |e: std::io::Error| Failure::Environment(format!("cannot write into {}: {e}", root.display()));
    fs::create_dir_all(&root).map_err(cannot)?;
    let root = root.canonicalize().map_err(cannot)?;
    let text = serde_yaml::to_string(settings).map_err(|e| Failure::Run(e.to_string()))?;
    atomic::write(&root.join(STAGES), text.as_bytes()).map_err(cannot)?;
    Ok(root)
}

/// How a stage ended, if it is finished.
fn finished(dir: &Path) -> Result<Option<RunEnded>, Failure> {
    if !dir.join("run.db").is_file() {
        return Ok(None);
    }
    let store = RunFolder::open(dir)?.store();
    let records = RunStore::open_read_only(&store).and_then(|store| store.of_kinds(&["run", "end"]));
    let last = records.map_err(|e| Failure::Environment(e.to_string()))?.pop();
    Ok(match last.map(|record| record.event) {
        Some(Event::End(ended)) if ended.reason.is_done() => Some(ended),
        _ => None,
    })
}

/// The folder of the stage behind the one in `folder`, if there is to be one.
pub fn follower(folder: &RunFolder) -> Option<PathBuf> {
    let whole = of_all_stages(folder.root())?;
    let own = Settings::from_file(&folder.settings()).ok()?;
    let (stage, _) = own.run.stage.as_deref()?.split_once('/')?;
    let next: usize = stage.parse().ok()?;
    let all = Settings::from_file(&whole.join(STAGES)).ok()?;
    all.stages.get(next).map(|stage| stage_folder(whole, next, stage.method))
}

/// Where a stage, counted from 0, has its run.
fn stage_folder(whole: &Path, index: usize, method: StageMethod) -> PathBuf {
    whole.join(format!("{}-{method}", index + 1))
}

/// The adapter that a stage left. The folder may have been moved since.
fn left_by(ended: &RunEnded, dir: &Path) -> Result<PathBuf, Failure> {
    let name = ended.offered().and_then(Path::file_name);
    let there = name.map(|name| dir.join("checkpoints").join(name)).filter(|path| path.is_dir());
    there.ok_or_else(|| Failure::Run(format!("the stage in {} left no checkpoint to go on from", dir.display())))
}

/// A trace for each stage.
fn profile(args: &RunArgs, index: usize) -> Option<PathBuf> {
    args.profile
        .as_ref()
        .map(|path| if index == 0 { path.clone() } else { path.with_extension(format!("{}.json", index + 1)) })
}
