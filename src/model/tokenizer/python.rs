//! Python's string and dictionary methods that chat templates call; Jinja in Rust does not bring them.

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{ValueKind, from_args},
};

/// No conversation is this long.
const MAX_REPLACED_BYTES: usize = 64 << 20;

/// Called for `value.method(args)` where the template engine itself knows no such method.
pub(super) fn call_method(_: &mut State<'_, '_>, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::String => string_method(value.as_str().unwrap_or_default(), method, args),
        ValueKind::Map => map_method(value, method, args),
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

fn string_method(text: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let strip = |left: bool, right: bool| {
        let (characters,): (Option<&str>,) = from_args(args)?;
        let drop = |c: char| characters.map_or(c.is_whitespace(), |set| set.contains(c));
        let text = if left { text.trim_start_matches(drop) } else { text };
        let text = if right { text.trim_end_matches(drop) } else { text };
        Ok(Value::from(text))
    };
    match method {
        "strip" => strip(true, true),
        "lstrip" => strip(true, false),
        "rstrip" => strip(false, true),
        "upper" | "lower" | "title" | "capitalize" => {
            let () = from_args(args)?;
            Ok(Value::from(change_case(text, method)))
        }
        "startswith" => from_args(args).map(|(start,): (&str,)| Value::from(text.starts_with(start))),
        "endswith" => from_args(args).map(|(end,): (&str,)| Value::from(text.ends_with(end))),
        "replace" => {
            let (old, new): (&str, &str) = from_args(args)?;
            replace(text, old, new)
        }
        "split" => {
            let (separator, limit): (Option<&str>, Option<i64>) = from_args(args)?;
            Ok(split(text, separator, limit))
        }
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

/// The engine counts the bytes of a result when it is there; this one must be counted before.
fn replace(text: &str, old: &str, new: &str) -> Result<Value, Error> {
    let grown = text.matches(old).count().saturating_mul(new.len()).saturating_add(text.len());
    if grown > MAX_REPLACED_BYTES {
        return Err(Error::new(ErrorKind::InvalidOperation, format!("replace() makes a text of {grown} bytes")));
    }
    Ok(Value::from(text.replace(old, new)))
}

fn change_case(text: &str, method: &str) -> String {
    let capitalize = |word: &str| {
        let mut rest = word.chars();
        let first = rest.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        first + &rest.as_str().to_lowercase()
    };
    match method {
        "upper" => text.to_uppercase(),
        "lower" => text.to_lowercase(),
        "title" => text.split_inclusive(|c: char| !c.is_alphabetic()).map(capitalize).collect(),
        _ => capitalize(text),
    }
}

/// A negative or absent limit splits everywhere.
fn split(text: &str, separator: Option<&str>, limit: Option<i64>) -> Value {
    let pieces = limit.and_then(|n| usize::try_from(n).ok()).map_or(usize::MAX, |n| n.saturating_add(1));
    match separator {
        Some(separator) => text.splitn(pieces, separator).map(Value::from).collect(),
        None => text.split_whitespace().map(Value::from).collect(),
    }
}

fn map_method(map: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    match method {
        "get" => {
            let (key, default): (Value, Option<Value>) = from_args(args)?;
            let found = map.get_item(&key).ok().filter(|value| !value.is_undefined());
            Ok(found.or(default).unwrap_or_else(|| Value::from(())))
        }
        "keys" => from_args(args).and_then(|()| Ok(map.try_iter()?.collect())),
        "values" => from_args(args).and_then(|()| map.try_iter()?.map(|key| map.get_item(&key)).collect()),
        "items" => {
            let () = from_args(args)?;
            map.try_iter()?.map(|key| Ok(Value::from(vec![key.clone(), map.get_item(&key)?]))).collect()
        }
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

#[cfg(test)]
mod tests {
    use minijinja::Environment;

    fn evaluate(template: &str) -> Result<String, String> {
        let mut environment = Environment::new();
        environment.set_unknown_method_callback(super::call_method);
        environment.render_str(template, ()).map_err(|e| e.to_string())
    }

    #[test]
    fn methods_behave_as_in_python() {
        for (expression, expected) in [
            ("' a '.strip() ~ '|'", "a|"),
            ("'xxaxx'.lstrip('x')", "axx"),
            ("'xyax'.rstrip('xy')", "xya"),
            ("'a</think>b'.split('</think>')[-1]", "b"),
            ("'a,b,c'.split(',', 1)|length", "2"),
            ("'a,b,c'.split(',', -1)|length", "3"),
            ("' a  b '.split()|length", "2"),
            ("'ab'.startswith('a') and not 'ab'.endswith('a')", "True"),
            ("'aba'.replace('a', 'c')", "cbc"),
            ("'hello wORLD'.title()", "Hello World"),
            ("'hELLO you'.capitalize()", "Hello you"),
            ("{'a': 1}.get('b', 'none')", "none"),
            ("{'a': 1}.get('b') is none", "True"),
            ("{'a': 1}.items()|list|length", "1"),
        ] {
            assert_eq!(evaluate(&format!("{{{{ {expression} }}}}")).as_deref(), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn unknown_methods_are_errors() {
        assert!(evaluate("{{ 'a'.zfill(3) }}").unwrap_err().contains("zfill"));
        assert!(evaluate("{{ 'a'.strip(1, 2) }}").is_err());
    }
}
