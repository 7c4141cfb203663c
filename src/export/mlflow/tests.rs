//! The exporter against a server of a few lines that remembers what it was asked.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

use super::*;
use crate::run::{event::EndReason, fixture::RunBuilder};

/// Calls with their bodies, in order.
type Calls = Arc<Mutex<Vec<(String, Value)>>>;

/// Serves on a port of its own for as long as the tests run. `refuse` names calls that get an error this time.
fn serve(refuse: &Arc<Mutex<Vec<&'static str>>>) -> (String, Calls) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let (calls, refuse) = (Calls::default(), Arc::clone(refuse));
    let noted = Arc::clone(&calls);
    thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), &noted, &refuse);
        }
    });
    (uri, calls)
}

fn answer(mut stream: TcpStream, calls: &Calls, refuse: &Mutex<Vec<&'static str>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() <= 2 {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let path = first.split(' ').nth(1).unwrap().strip_prefix("/api/2.0/mlflow/").unwrap().to_owned();
    let call = path.split('?').next().unwrap().to_owned();
    let mut refused = refuse.lock().unwrap();
    let (status, text) = match call.as_str() {
        _ if refused.iter().any(|name| *name == call) => {
            refused.retain(|name| *name != call);
            ("503 Busy", "out of order".to_owned())
        }
        "experiments/get-by-name" => {
            ("404 Not Found", json!({ "error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none" }).to_string())
        }
        "experiments/create" => ("200 OK", json!({ "experiment_id": "5" }).to_string()),
        "runs/create" => (
            "200 OK",
            json!({ "run": { "info": { "run_id": format!("r{}", calls.lock().unwrap().len()) } } }).to_string(),
        ),
        "runs/get" => {
            let run = first.split(' ').nth(1).unwrap().rsplit('=').next().unwrap().to_owned();
            let metrics = newest_metrics(&calls.lock().unwrap(), &run);
            let run = json!({ "info": { "lifecycle_stage": "active" }, "data": { "metrics": metrics } });
            ("200 OK", json!({ "run": run }).to_string())
        }
        _ => ("200 OK", "{}".to_owned()),
    };
    if status.starts_with("200") {
        calls.lock().unwrap().push((call, serde_json::from_slice(&body).unwrap_or_default()));
    }
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}", text.len()).unwrap();
}

/// The newest value of each metric of a run, as MLflow tells it.
fn newest_metrics(calls: &[(String, Value)], run: &str) -> Vec<Value> {
    let batches = calls.iter().filter(|(call, body)| call == "runs/log-batch" && body["run_id"] == run);
    let metrics = batches.flat_map(|(_, body)| body["metrics"].as_array().cloned().unwrap_or_default());
    let by_name = metrics.map(|metric| (metric["key"].as_str().unwrap().to_owned(), metric));
    by_name.collect::<std::collections::BTreeMap<_, _>>().into_values().collect()
}

fn stored(root: &Path, records: &[Record]) -> (RunFolder, RunStore) {
    let folder = RunFolder::create(root).unwrap();
    let mut store = RunStore::open(&folder.store()).unwrap();
    for record in records.iter().filter(|record| record.event.is_stored()) {
        store.append(record.time, record.event.clone()).unwrap();
    }
    (folder, store)
}

/// Steps under which a reward was sent to a run, in order.
fn sent(calls: &Calls, run: &str) -> Vec<u64> {
    let calls = calls.lock().unwrap();
    let batches = calls.iter().filter(|(call, body)| call == "runs/log-batch" && body["run_id"] == run);
    let metrics = batches.flat_map(|(_, body)| body["metrics"].as_array().cloned().unwrap_or_default());
    metrics.filter(|m| m["key"] == "reward").map(|m| m["step"].as_u64().unwrap()).collect()
}

fn names(calls: &Calls) -> Vec<String> {
    calls.lock().unwrap().iter().map(|(call, _)| call.clone()).collect()
}

#[test]
fn a_run_is_sent_once_in_batches_with_params_and_status() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = RunBuilder::with_steps(150);
    run.end(150, EndReason::Completed);
    let (folder, store) = stored(dir.path(), &run.records());
    let (uri, calls) = serve(&Arc::default());
    let mut mlflow = Mlflow::new(&format!("{uri}/"), "trials", &folder).unwrap();
    mlflow.catch_up(&store).unwrap();
    assert_eq!(sent(&calls, "r1"), (1..=150).collect::<Vec<_>>());
    let all = calls.lock().unwrap().clone();
    let of = |name: &str| all.iter().filter(|(call, _)| call == name).map(|(_, body)| body.clone()).collect::<Vec<_>>();
    assert_eq!(of("experiments/create"), [json!({ "name": "trials" })]);
    assert_eq!(of("runs/update")[0]["status"], "FINISHED");
    let batches = of("runs/log-batch");
    let size = |body: &Value, key: &str| body[key].as_array().map_or(0, Vec::len);
    assert!(batches.iter().all(|body| size(body, "metrics") <= 1000 && size(body, "params") <= 100));
    let params: Vec<&Value> = batches.iter().filter_map(|body| body["params"].as_array()).flatten().collect();
    assert!(params.iter().any(|p| p["key"] == "grpo.beta"), "{params:?}");
    assert_eq!(mlflow.page().unwrap(), format!("{uri}/#/experiments/5/runs/r1"));
    let before = names(&calls).len();
    mlflow.catch_up(&store).unwrap();
    Mlflow::new(&uri, "trials", &folder).unwrap().catch_up(&store).unwrap();
    assert_eq!(names(&calls)[before..], ["runs/get"], "nothing is sent twice, not by another process either");
}

#[test]
fn what_failed_is_sent_later() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, store) = stored(dir.path(), &RunBuilder::with_steps(5).records());
    let refuse = Arc::new(Mutex::new(vec!["runs/update", "runs/create", "experiments/create", "runs/log-batch"]));
    let (uri, calls) = serve(&refuse);
    let mut mlflow = Mlflow::new(&uri, "trials", &folder).unwrap();
    for call in ["experiments/create", "runs/create", "runs/log-batch", "runs/update"] {
        // By another process each time: what was made is known from the note.
        mlflow = Mlflow::new(&uri, "trials", &folder).unwrap();
        let error = mlflow.catch_up(&store).unwrap_err().to_string();
        assert!(error.contains(call) && error.contains("503") && error.contains("out of order"), "{error}");
    }
    mlflow.catch_up(&store).unwrap();
    let run = calls.lock().unwrap().iter().find(|(call, _)| call == "runs/log-batch").unwrap().1["run_id"].clone();
    assert_eq!(sent(&calls, run.as_str().unwrap()), [1, 2, 3, 4, 5]);
    assert_eq!(names(&calls).iter().filter(|call| *call == "runs/create").count(), 1);
}

#[test]
fn a_batch_that_arrived_is_not_sent_again_though_nobody_could_note_it() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, store) = stored(dir.path(), &RunBuilder::with_steps(5).records());
    let (uri, calls) = serve(&Arc::default());
    let mut mlflow = Mlflow::new(&uri, "trials", &folder).unwrap();
    mlflow.catch_up(&store).unwrap();
    let path = folder.root().join("mlflow.json");
    let done = Note::read(&path).unwrap();
    let last = newest_metrics(&calls.lock().unwrap(), "r1").into_iter().find(|m| m["key"] == "reward").unwrap();
    let last = (last["key"].as_str().unwrap().to_owned(), last["timestamp"].as_i64().unwrap(), 5);
    let reached = (done.seq, done.step, done.evaluated);
    // As it is where the process ends before it can note that all was sent, or where it was not.
    for (last, sent_again) in [(last.clone(), false), (("reward".to_owned(), last.1 + 1, 6), true)] {
        let cut_short =
            Note { seq: 0, step: 0, evaluated: None, under_way: Some(UnderWay { reached, last }), ..done.clone() };
        cut_short.write(&path).unwrap();
        let before = sent(&calls, "r1").len();
        Mlflow::new(&uri, "trials", &folder).unwrap().catch_up(&store).unwrap();
        assert_eq!(sent(&calls, "r1").len() - before, if sent_again { 5 } else { 0 });
        assert_eq!(Note::read(&path).unwrap(), done);
    }
}

#[test]
fn an_export_beside_a_live_exporter_sends_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let records = RunBuilder::with_steps(40).records();
    let (first, rest) = records.split_at(records.len() / 2);
    let (folder, mut store) = stored(dir.path(), first);
    let (uri, calls) = serve(&Arc::default());
    let mut live = Mlflow::new(&uri, "trials", &folder).unwrap();
    live.catch_up(&store).unwrap();
    for record in rest.iter().filter(|record| record.event.is_stored()) {
        store.append(record.time, record.event.clone()).unwrap();
    }
    let work = || {
        let (uri, folder) = (uri.clone(), folder.clone());
        thread::spawn(move || {
            let store = RunStore::open_read_only(&folder.store()).unwrap();
            Mlflow::new(&uri, "trials", &folder).unwrap().catch_up(&store).unwrap();
        })
    };
    let exports = [work(), work()];
    live.catch_up(&store).unwrap();
    for export in exports {
        export.join().unwrap();
    }
    live.catch_up(&store).unwrap();
    assert_eq!(sent(&calls, "r1"), (1..=40).collect::<Vec<_>>());
}

#[test]
fn steps_that_a_resumption_made_void_are_not_in_the_run_that_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = RunBuilder::with_steps(30);
    let (folder, mut store) = stored(dir.path(), &run.records());
    let (uri, calls) = serve(&Arc::default());
    let mut mlflow = Mlflow::new(&uri, "trials", &folder).unwrap();
    mlflow.catch_up(&store).unwrap();
    let first = run.records().len();
    run.resume(20).eval(20, 5);
    (21..=24).for_each(|step| {
        run.step(step);
    });
    for record in run.records()[first..].iter().filter(|record| record.event.is_stored()) {
        store.append(record.time, record.event.clone()).unwrap();
    }
    mlflow.catch_up(&store).unwrap();
    let deleted = calls.lock().unwrap().iter().find(|(call, _)| call == "runs/delete").unwrap().1.clone();
    assert_eq!(deleted["run_id"], "r1");
    let page = mlflow.page().unwrap();
    let again = Event::Eval(crate::run::event::EvalDone {
        step: 20,
        n: 32,
        correct: 5,
        execution_accuracy: 0.15,
        wilson: [0.0, 1.0],
        reward: 0.2,
        time: 1.0,
        best: false,
    });
    store.append(2e9, again).unwrap();
    mlflow.catch_up(&store).unwrap();
    let evals =
        calls.lock().unwrap().iter().map(|(_, body)| body.to_string().matches("eval_reward").count()).sum::<usize>();
    assert_eq!(evals, 4, "two at step 0, two at step 20: one in the run that is gone, one in the one that stays");
    assert_eq!(sent(&calls, page.rsplit('/').next().unwrap()), (1..=24).collect::<Vec<_>>());
}

#[test]
fn an_address_that_is_none_and_a_server_that_is_gone_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, store) = stored(dir.path(), &RunBuilder::with_steps(2).records());
    for uri in ["https://host", "localhost:5000", "http://", ""] {
        let error = Mlflow::new(uri, "x", &folder).unwrap_err().to_string();
        assert!(error.contains("http://localhost:5000"), "{error}");
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = Mlflow::new(&format!("http://127.0.0.1:{port}"), "x", &folder).unwrap().catch_up(&store).unwrap_err();
    assert!(matches!(error, ExportError::Unreachable { .. }), "{error}");
}
