use super::*;

fn load(text: &str, sets: &[&str]) -> Result<Settings, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bad.yaml");
    std::fs::write(&path, text).unwrap();
    let overrides =
        sets.iter().map(|s| Override::parse(s)).collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
    Settings::load(&Sources { config: Some(path.clone()), overrides })
        .map_err(|e| e.to_string().replace(&path.display().to_string(), "bad.yaml"))
}

#[test]
fn empty_file_gives_the_defaults() {
    assert_eq!(load("# nothing\n", &[]).unwrap(), Settings::default());
}

#[test]
fn defaults_survive_yaml() {
    let text = serde_yaml::to_string(&Settings::default()).unwrap();
    assert_eq!(load(&text, &[]).unwrap(), Settings::default());
}

#[test]
fn unknown_key_names_file_line_and_neighbour() {
    let message = load("grpo:\n  beta: 0.1\n  epsilonn: 0.2\n", &[]).unwrap_err();
    assert!(message.starts_with("bad.yaml:3:"), "{message}");
    assert!(message.contains("unknown field `epsilonn`") && message.contains("did you mean `epsilon`"), "{message}");
}

#[test]
fn wrong_type_names_key_and_line() {
    let message = load("optim:\n  learning_rate: fast\n", &[]).unwrap_err();
    assert!(message.starts_with("bad.yaml:2:") && message.contains("optim.learning_rate"), "{message}");
    assert!(message.contains("fast") && message.contains("f64"), "{message}");
}

#[test]
fn impossible_value_names_file_line_value_and_allowed() {
    let message = load("run:\n  seed: 1\nrollout:\n  # K\n  num_generations: 1\n", &[]).unwrap_err();
    assert_eq!(message, "bad.yaml:5: rollout.num_generations is 1; allowed: 2 to 1024");
}

#[test]
fn all_impossible_values_are_reported_together() {
    let message = load("rollout:\n  top_p: 0\ngrpo:\n  beta: -1\n", &[]).unwrap_err();
    assert_eq!(message.lines().count(), 2, "{message}");
}

#[test]
fn set_wins_over_the_file_and_is_named_in_errors() {
    let settings = load("grpo:\n  beta: 0.1\n", &["grpo.beta=0.5", "lora.target_modules=[q_proj]"]).unwrap();
    assert!((settings.grpo.beta - 0.5).abs() < 1e-12);
    assert_eq!(settings.lora.target_modules, ["q_proj"]);
    let message = load("", &["grpo.beta=-2"]).unwrap_err();
    assert_eq!(message, "--set grpo.beta=-2: grpo.beta is -2; allowed: 0 or more");
}

#[test]
fn set_refuses_unknown_names() {
    let message = load("", &["grpo.bet=1"]).unwrap_err();
    assert!(message.contains("unknown setting `bet` (did you mean `beta`?)"), "{message}");
    let message = load("", &["gpro.beta=1"]).unwrap_err();
    assert!(message.contains("unknown group `gpro` (did you mean `grpo`?)"), "{message}");
    assert!(load("", &["beta"]).is_err());
    assert!(load("", &["beta=1"]).is_err());
}

#[test]
fn set_refuses_wrong_types() {
    let message = load("", &["run.seed=many"]).unwrap_err();
    assert!(message.starts_with("--set run.seed=many:"), "{message}");
}

#[test]
fn missing_and_broken_files_are_errors() {
    let gone = Settings::from_file(std::path::Path::new("/nonexistent/x.yaml")).unwrap_err();
    assert!(gone.to_string().contains("/nonexistent/x.yaml"));
    assert!(load("grpo: [\n", &[]).unwrap_err().starts_with("bad.yaml:"));
    assert!(load("just text\n", &[]).is_err());
}

#[test]
fn devices_are_checked() {
    for good in ["auto", "cpu", "cuda", "cuda:0", "cuda:0,1"] {
        assert!(load("", &[&format!("run.device='{good}'")]).is_ok(), "{good}");
    }
    for bad in ["gpu", "cuda:", "cuda:x", "cpu:1"] {
        assert!(load("", &[&format!("run.device='{bad}'")]).is_err(), "{bad}");
    }
}

#[test]
fn the_shipped_defaults_are_the_defaults_and_leave_nothing_out() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/defaults.yaml");
    assert_eq!(Settings::from_file(&path).unwrap(), Settings::default());
    let shipped: serde_yaml::Value = serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let all = serde_yaml::to_value(Settings::default()).unwrap();
    let keys = |tree: &serde_yaml::Value| -> Vec<(String, String)> {
        let groups = tree.as_mapping().unwrap().iter();
        groups
            .flat_map(|(group, inner)| {
                let inner = inner.as_mapping().unwrap().keys();
                inner
                    .map(|key| (group.as_str().unwrap().to_owned(), key.as_str().unwrap().to_owned()))
                    .collect::<Vec<_>>()
            })
            .collect()
    };
    assert_eq!(keys(&shipped), keys(&all));
}

#[test]
fn differences_name_key_old_and_new() {
    let mut other = Settings::default();
    other.grpo.beta = 0.1;
    other.run.max_steps = Some(9);
    other.run.dir = Some("elsewhere".into());
    assert_eq!(Settings::default().differences(&other), ["grpo.beta: 0.04 → 0.1", "run.max_steps: null → 9"]);
}
