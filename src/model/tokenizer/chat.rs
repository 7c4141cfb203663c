//! Chat templates: Jinja programs that come with a model, run under limits.

use std::path::Path;

use minijinja::{Environment, Error, ErrorKind, Value, context, syntax::SyntaxConfig};
use serde::{Deserialize, Serialize};

use super::{
    super::{ModelError, gguf::GgufFile},
    python,
    vocabulary::Vocabulary,
};

const NAME: &str = "chat_template";
/// Instructions that a template may execute, roughly; also bounds its memory, at some 64 bytes each.
const FUEL: u64 = 4_000_000;
/// Used where a file brings no template: the form that most instruction-tuned models of this size know.
pub(super) const CHATML: &str = "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n\
                      {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
}

impl ChatMessage {
    /// A message of `role`.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self { role: role.into(), content: content.into() }
    }

    /// What the model is told before the conversation.
    pub fn system(content: impl Into<String>) -> Self {
        Self::new("system", content)
    }

    /// What the model is asked.
    pub fn user(content: impl Into<String>) -> Self {
        Self::new("user", content)
    }

    /// What the model answered.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self::new("assistant", content)
    }
}

/// A compiled template.
pub(super) struct ChatTemplate {
    /// Whether it came with the model.
    pub(super) own: bool,
    environment: Environment<'static>,
    bos_token: String,
    eos_token: String,
}

impl ChatTemplate {
    /// Compiles the file's template.
    pub(super) fn from_gguf(file: &GgufFile, vocabulary: &Vocabulary) -> Result<Self, ModelError> {
        Self::new(file.metadata().string("tokenizer.chat_template")?, file.path(), vocabulary)
    }

    /// Compiles a template, or `ChatML` with a warning if the model at `path` has none.
    pub(super) fn new(template: Option<&str>, path: &Path, vocabulary: &Vocabulary) -> Result<Self, ModelError> {
        let own = template.is_some();
        let template = template.unwrap_or_else(|| {
            tracing::warn!("{} has no chat template; using ChatML", path.display());
            CHATML
        });
        let text = |id| vocabulary.text(id).unwrap_or_default().to_owned();
        Ok(Self { own, ..Self::compile(template, text(vocabulary.bos), text(vocabulary.eos))? })
    }

    fn compile(template: &str, bos_token: String, eos_token: String) -> Result<Self, ModelError> {
        let mut environment = Environment::new();
        // Templates are written for transformers, which renders them with these two.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(|e| error(&e))?;
        environment.set_syntax(syntax);
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(python::call_method);
        environment.add_function("raise_exception", |message: String| -> Result<String, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        });
        environment.add_template_owned(NAME, template.to_owned()).map_err(|e| error(&e))?;
        Ok(Self { own: true, environment, bos_token, eos_token })
    }

    pub(super) fn render(&self, messages: &[ChatMessage], add_generation_prompt: bool) -> Result<String, ModelError> {
        let Self { bos_token, eos_token, .. } = self;
        let template = self.environment.get_template(NAME).map_err(|e| error(&e))?;
        let pairs = |m: &ChatMessage| Value::from_pairs([("role", m.role.as_str()), ("content", m.content.as_str())]);
        let messages: Value = messages.iter().map(pairs).collect();
        template.render(context! { messages, add_generation_prompt, bos_token, eos_token }).map_err(|e| error(&e))
    }
}

/// minijinja's own message names the line; its causes say why a call in that line failed.
fn error(error: &Error) -> ModelError {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
    ModelError::ChatTemplate(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(template: &str, messages: &[ChatMessage]) -> Result<String, String> {
        let template = ChatTemplate::compile(template, "<s>".into(), "</s>".into()).map_err(|e| e.to_string())?;
        template.render(messages, true).map_err(|e| e.to_string())
    }

    #[test]
    fn chatml_wraps_each_turn() {
        let messages = [ChatMessage::system("S"), ChatMessage::user("Q <b>\n")];
        let expected = "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ <b>\n<|im_end|>\n<|im_start|>assistant\n";
        assert_eq!(render(CHATML, &messages).unwrap(), expected);
    }

    #[test]
    fn blocks_leave_no_blank_lines() {
        let template = "{%- for m in messages %}\n  {% if m.role == 'user' %}\n{{ bos_token + m.content }}\n  {% endif %}\n{% endfor %}";
        assert_eq!(render(template, &[ChatMessage::user("Q")]).unwrap(), "<s>Q\n");
    }

    #[test]
    fn templates_may_refuse_a_conversation() {
        let template = "{% if messages[0].role == 'system' %}{{ raise_exception('no system here') }}{% endif %}";
        let error = render(template, &[ChatMessage::system("S")]).unwrap_err();
        assert!(error.contains("no system here"), "{error}");
    }

    #[test]
    fn endless_templates_are_stopped() {
        let template = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}";
        assert!(render(template, &[]).unwrap_err().contains("fuel"));
    }

    #[test]
    fn hostile_templates_end_in_an_error() {
        let nested = format!("{}x{}", "{% if true %}".repeat(2000), "{% endif %}".repeat(2000));
        let doubling = format!("{{% set x = 'x' %}}{}{{{{ x }}}}", "{% set x = x ~ x %}".repeat(60));
        for template in [
            "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
            "{{ 'x' * 9999999999 }}",
            "{{ range(9999999999)|list|length }}",
            "{{ ('a' * 100000).replace('a', 'b' * 100000) }}",
            "{% for a in range(99999) %}{{ 'xxxxxxxx' * 99999 }}{% endfor %}",
            &doubling,
            &nested,
        ] {
            let started = template.chars().take(60).collect::<String>();
            let error = render(template, &[]).err().unwrap_or_else(|| panic!("{started} ends well"));
            assert!(error.starts_with("chat template: "), "{error}");
        }
    }

    #[test]
    fn templates_reach_no_files() {
        for template in
            ["{% include '/etc/passwd' %}", "{% import '/etc/passwd' as x %}{{ x }}", "{% extends '/etc/passwd' %}"]
        {
            assert!(render(template, &[]).is_err(), "{template}");
        }
    }

    #[test]
    fn syntax_errors_name_the_line() {
        assert!(render("a\n{% if %}", &[]).unwrap_err().contains(":2"));
    }
}
