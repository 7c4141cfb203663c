//! Templates of prompts: Jinja programs that come with the program or from the user, run under limits.

use std::fs;

use minijinja::{
    AutoEscape, Environment, Error, UndefinedBehavior, Value, context, syntax::SyntaxConfig, value::Serde,
};

use super::PromptText;
use crate::{
    data::{
        DataError, Example,
        schema::{Column, ForeignKey, Schema, Table, quoted},
    },
    settings::PromptSettings,
};

/// The built-in templates in the order of [`PromptSettings::TEMPLATES`].
const BUILT_IN: [&str; 3] = [
    include_str!("templates/plain.jinja"),
    include_str!("templates/sql_r1.jinja"),
    include_str!("templates/omnisql.jinja"),
];
/// Instructions that a template may execute, roughly: enough for some thousand columns.
const FUEL: u64 = 4_000_000;

/// A compiled template. It can read what it is given and nothing else: there is no loader for other files.
#[derive(Debug)]
pub(super) struct Template {
    environment: Environment<'static>,
    name: String,
}

impl Template {
    /// The template that the settings name, tried on an example.
    ///
    /// # Errors
    /// [`DataError::Template`].
    pub(super) fn new(settings: &PromptSettings) -> Result<Self, DataError> {
        let built_in = PromptSettings::TEMPLATES.iter().position(|name| *name == settings.template);
        if let Some(at) = built_in {
            return Self::compile(&settings.template, BUILT_IN[at]);
        }
        let fail = |e: std::io::Error| failure(&settings.template, None, format!("cannot read it: {e}"));
        Self::compile(&settings.template, &fs::read_to_string(&settings.template).map_err(fail)?)
    }

    /// Compiles the text and tries it, so that a misspelt name is found before a run begins.
    ///
    /// # Errors
    /// [`DataError::Template`].
    pub(super) fn compile(name: &str, text: &str) -> Result<Self, DataError> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|e| explain(name, &e))?);
        environment.set_fuel(Some(FUEL));
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.add_filter("quoted", |name: String| quoted(&name));
        environment.add_template_owned(name.to_owned(), text.to_owned()).map_err(|e| explain(name, &e))?;
        let template = Self { environment, name: name.to_owned() };
        for evidence in [None, Some("the evidence".to_owned())] {
            let example = Example { question: "the question".into(), evidence, ..Example::default() };
            let made = template.render(&trial(), &example)?;
            if !format!("{}{}", made.system.unwrap_or_default(), made.user).contains(&example.question) {
                return Err(failure(name, None, "it never shows {{ question }}".into()));
            }
        }
        Ok(template)
    }

    /// The prompt for an example on a database with this schema.
    ///
    /// # Errors
    /// [`DataError::Template`].
    pub(super) fn render(&self, schema: &Schema, example: &Example) -> Result<PromptText, DataError> {
        let fail = |e: Error| explain(&self.name, &e);
        let template = self.environment.get_template(&self.name).map_err(fail)?;
        let made = template.render_captured(context! {
            question => example.question.trim(),
            evidence => example.evidence.as_deref().map(str::trim),
            db_id => example.db_id.as_str(),
            schema => schema.text(),
            tables => Value::from(Serde(&schema.tables)),
        });
        let made = made.map_err(fail)?;
        let system = made.state().lookup("system").filter(|value| !value.is_undefined() && !value.is_none());
        let system = system.map(|value| value.to_string().trim().to_owned()).filter(|text| !text.is_empty());
        Ok(PromptText { system, user: made.output().trim().to_owned() })
    }
}

/// Two tables with all that a schema can have.
fn trial() -> Schema {
    let column = |name: &str, primary| Column {
        name: name.into(),
        kind: "INTEGER".into(),
        primary,
        samples: vec!["1".into(), "2".into()],
    };
    let table = |name: &str, foreign_keys| Table {
        name: name.into(),
        columns: vec![column("id", true), column("other", false)],
        foreign_keys,
    };
    let key = ForeignKey { columns: vec!["other".into()], table: "first".into(), references: vec!["id".into()] };
    Schema { tables: vec![table("first", Vec::new()), table("second", vec![key])] }
}

/// The error's kind, detail and causes, with the place where it lies.
fn explain(name: &str, error: &Error) -> DataError {
    let what = error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    failure(name, error.line(), causes.fold(what, |text, cause| format!("{text}: {cause}")))
}

fn failure(name: &str, line: Option<usize>, why: String) -> DataError {
    DataError::Template { file: name.to_owned(), line, why }
}
