//! Which cells a grid has.

use crate::{cli::Failure, settings::Override};

/// A setting with the values that it takes in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vary {
    /// The key, as `group.name`.
    pub key: String,
    /// Its values, in YAML.
    pub values: Vec<String>,
}

impl Vary {
    /// Parses the argument of `--vary`, `group.name=value,value`; commas in brackets part nothing.
    ///
    /// # Errors
    /// It is not of that form, or a value is there twice.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let fail = |why: &str| Failure::Usage(format!("--vary {text}: {why}"));
        let (key, list) = text.split_once('=').ok_or_else(|| fail("expected group.name=value,value"))?;
        let values = parts(list);
        if values.iter().any(String::is_empty) {
            return Err(fail("a value is empty"));
        }
        if let Some(twice) = twice(&values) {
            return Err(fail(&format!("{twice} is there twice")));
        }
        Ok(Self { key: key.trim().to_owned(), values })
    }
}

fn parts(list: &str) -> Vec<String> {
    let mut depth = 0_i32;
    let mut parts = vec![String::new()];
    for c in list.chars() {
        depth += i32::from(matches!(c, '[' | '{')) - i32::from(matches!(c, ']' | '}'));
        match parts.last_mut() {
            Some(value) if c != ',' || depth > 0 => value.push(c),
            _ => parts.push(String::new()),
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).collect()
}

/// What is in a list more than once.
pub fn twice<T: PartialEq>(list: &[T]) -> Option<&T> {
    list.iter().enumerate().find(|(at, item)| list[..*at].contains(item)).map(|(_, item)| item)
}

/// One run of the grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What is set, by key, the seed aside.
    pub sets: Vec<(String, String)>,
    /// The seed, where several are asked for.
    pub seed: Option<u64>,
}

impl Cell {
    /// Every cell: each value with each, the last key changing fastest, and each of those with each seed.
    pub fn grid(varied: &[Vary], seeds: &[u64]) -> Vec<Self> {
        let mut cells = vec![Vec::new()];
        for vary in varied {
            let with = |cell: &Vec<(String, String)>, value: &String| {
                let mut cell = cell.clone();
                cell.push((vary.key.clone(), value.clone()));
                cell
            };
            cells = cells.iter().flat_map(|cell| vary.values.iter().map(move |value| with(cell, value))).collect();
        }
        let seeds: Vec<Option<u64>> =
            if seeds.is_empty() { vec![None] } else { seeds.iter().copied().map(Some).collect() };
        cells
            .into_iter()
            .flat_map(|sets| seeds.iter().map(move |seed| Self { sets: sets.clone(), seed: *seed }))
            .collect()
    }

    /// What is set but the seed, for people: `loss_type=grpo preset=arctic`.
    pub fn variant(&self) -> String {
        let short = |key: &String| key.rsplit('.').next().unwrap_or(key).to_owned();
        self.sets.iter().map(|(key, value)| format!("{}={value}", short(key))).collect::<Vec<_>>().join(" ")
    }

    /// All that is set, for people.
    pub fn name(&self) -> String {
        let seed = self.seed.map(|seed| format!("seed={seed}"));
        [Some(self.variant()).filter(|name| !name.is_empty()), seed].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// A folder's name with whole keys, so that other keys never lead to the same folder.
    pub fn folder(&self) -> String {
        let seed = self.seed.map(|seed| ("run.seed".to_owned(), seed.to_string()));
        let parts = self.sets.iter().cloned().chain(seed).map(|(key, value)| format!("{key}={value}"));
        let name = parts.collect::<Vec<_>>().join("+");
        name.chars().map(|c| if c.is_alphanumeric() || "-_.=+".contains(c) { c } else { '_' }).collect()
    }

    /// The settings that make the cell.
    ///
    /// # Errors
    /// A value is no YAML.
    pub fn overrides(&self) -> Result<Vec<Override>, Failure> {
        let seed = self.seed.map(|seed| ("run.seed".to_owned(), seed.to_string()));
        let parse = |(key, value): (String, String)| {
            let text = format!("{key}={value}");
            let parsed =
                Override::parse(&text).map_err(|e| Failure::Usage(e.to_string().replacen("--set", "--vary", 1)))?;
            Ok(Override { origin: format!("--vary {text}"), ..parsed })
        };
        self.sets.iter().cloned().chain(seed).map(parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_has_each_value_with_each_and_each_seed() {
        let varied = [
            Vary::parse("reward.preset=arctic, sql_r1").unwrap(),
            Vary::parse("lora.target_modules=[q_proj,v_proj],[q_proj]").unwrap(),
        ];
        let cells = Cell::grid(&varied, &[1, 2]);
        assert_eq!(cells.len(), 8);
        assert_eq!(cells[0].name(), "preset=arctic target_modules=[q_proj,v_proj] seed=1");
        assert_eq!(cells[7].folder(), "reward.preset=sql_r1+lora.target_modules=_q_proj_+run.seed=2");
        assert_eq!(twice(&cells.iter().map(Cell::folder).collect::<Vec<_>>()), None);
        assert_eq!(cells[7].overrides().unwrap().len(), 3);
        assert_eq!(Cell::grid(&[], &[]).len(), 1);
    }

    #[test]
    fn what_is_no_grid_is_told() {
        for (text, expected) in [
            ("grpo.beta", "expected group.name=value,value"),
            ("grpo.beta=0.1,,0.2", "a value is empty"),
            ("grpo.beta=0.1,0.1", "0.1 is there twice"),
        ] {
            let error = Vary::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(text), "{error}");
        }
        let cell = &Cell::grid(&[Vary::parse("beta=1").unwrap()], &[])[0];
        assert!(cell.overrides().unwrap_err().to_string().starts_with("--vary beta=1"));
    }
}
