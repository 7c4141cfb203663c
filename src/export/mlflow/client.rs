//! MLflow's REST interface, version 2.0, as far as it is used here.

use std::time::Duration;

use serde_json::Value;
use ureq::{Agent, Body, http::Response};

use super::ExportError;

/// Longest time that a request may take.
const TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read; those that are needed are small.
const LIMIT: u64 = 4 << 20;

/// Speaks to one server.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    uri: String,
}

impl Client {
    /// For the server at `uri`, as in `http://localhost:5000`.
    ///
    /// # Errors
    /// It is no such address.
    pub fn new(uri: &str) -> Result<Self, ExportError> {
        let uri = uri.trim_end_matches('/');
        let address = || ExportError::Address { uri: uri.to_owned() };
        let host = uri.strip_prefix("http://").ok_or_else(address)?;
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(address());
        }
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .timeout_connect(Some(CONNECT))
            .http_status_as_error(false)
            .user_agent(concat!("sqlr1-tui/", env!("CARGO_PKG_VERSION")));
        Ok(Self { agent: config.build().into(), uri: uri.to_owned() })
    }

    /// The server's address, without a slash at its end.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    fn address(&self, call: &str) -> String {
        format!("{}/api/2.0/mlflow/{call}", self.uri)
    }

    /// Asks for something by one of its properties.
    ///
    /// # Errors
    /// The server does not answer, or not with what was asked for.
    pub fn get(&self, call: &'static str, key: &str, value: &str) -> Result<Value, ExportError> {
        self.understood(call, self.agent.get(self.address(call)).query(key, value).call())
    }

    /// Asks for something to be done.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn post(&self, call: &'static str, body: &Value) -> Result<Value, ExportError> {
        let request = self.agent.post(self.address(call)).header("content-type", "application/json");
        self.understood(call, request.send(body.to_string()))
    }

    fn understood(
        &self,
        call: &'static str,
        answer: Result<Response<Body>, ureq::Error>,
    ) -> Result<Value, ExportError> {
        let unreachable = |e: ureq::Error| ExportError::Unreachable { uri: self.uri.clone(), why: e.to_string() };
        let mut answer = answer.map_err(unreachable)?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().with_config().limit(LIMIT).read_to_string().map_err(unreachable)?;
        let parsed = serde_json::from_str::<Value>(&text);
        if !answer.status().is_success() {
            let said = parsed.unwrap_or_default();
            let word = |key: &str| said[key].as_str().map(str::to_owned);
            let message = word("message").unwrap_or_else(|| text.chars().take(200).collect());
            let code = word("error_code").unwrap_or_default();
            return Err(ExportError::Refused { uri: self.uri.clone(), call, status, code, message });
        }
        parsed.map_err(|e| ExportError::Answer { uri: self.uri.clone(), call, why: e.to_string() })
    }
}

/// A text that an answer must have.
///
/// # Errors
/// It has none there.
pub fn text(value: &Value, call: &'static str, uri: &str) -> Result<String, ExportError> {
    let missing = || ExportError::Answer { uri: uri.to_owned(), call, why: "something is missing in it".to_owned() };
    value.as_str().map(str::to_owned).ok_or_else(missing)
}
