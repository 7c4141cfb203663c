//! A trainer's server and its viewers, over a real socket.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{SinkExt as _, StreamExt as _};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::oneshot,
    task::JoinHandle,
};

use super::{
    RemoteError,
    client::{Attached, attach},
    note::Note,
    protocol::{FromTrainer, FromViewer, Hello, MOST_FROM_TRAINER, decode, encode, frames_in, frames_out},
    server::Server,
};
use crate::run::{
    bus::{Bus, QUEUE},
    command::{Command, CommandSink},
    event::{EndReason, Record},
    fixture::RunBuilder,
    folder::RunFolder,
    presence::Presence,
};

/// Remembers what was asked of the trainer.
#[derive(Default)]
struct Sent(Mutex<Vec<Command>>);

impl CommandSink for Sent {
    fn send(&self, command: Command) {
        self.0.lock().unwrap().push(command);
    }
}

struct Bench {
    _dir: tempfile::TempDir,
    folder: RunFolder,
    bus: Bus,
    sent: Arc<Sent>,
    end: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(dir.path()).unwrap();
        let (bus, sent) = (Bus::default(), Arc::new(Sent::default()));
        let commands = Arc::clone(&sent) as Arc<dyn CommandSink>;
        let mut server = Server::bind(&folder, bus.clone(), commands).unwrap();
        server.look = Duration::from_millis(20);
        let (end, ended) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let _ = server.serve_until(ended).await;
            server.close().await;
        });
        Self { _dir: dir, folder, bus, sent, end: Some(end), serving: Some(serving) }
    }

    async fn viewer(&self, name: &str) -> Attached {
        attach(&self.folder, name).await.unwrap()
    }

    async fn end(&mut self) {
        self.end.take().unwrap().send(()).unwrap();
        self.serving.take().unwrap().await.unwrap();
    }

    fn publish(&self, records: impl IntoIterator<Item = Record>) {
        records.into_iter().for_each(|record| self.bus.publish(&Arc::new(record)));
    }

    fn socket(&self) -> std::path::PathBuf {
        Note::read(&self.folder).unwrap().unwrap().socket
    }
}

/// Waits for news that satisfy `wanted`.
async fn news(viewer: &mut Attached, wanted: impl Fn(&Presence) -> bool) -> Presence {
    let seen = viewer.presence.wait_for(|presence| wanted(presence));
    tokio::time::timeout(std::time::Duration::from_secs(20), seen).await.expect("no such news").unwrap().clone()
}

#[tokio::test]
async fn one_viewer_steers_until_another_takes_over() {
    let bench = Bench::new();
    let (mut first, mut second) = (bench.viewer("one").await, bench.viewer("two").await);
    assert!(news(&mut first, |p| p.viewers == 2).await.mine);
    let seen = news(&mut second, |p| p.viewers == 2).await;
    assert_eq!((seen.control.as_deref(), seen.mine), (Some("one"), false));
    second.helm.send(Command::Pause);
    assert_eq!(news(&mut second, |p| p.refused == 1).await.refused, 1);
    assert!(bench.sent.0.lock().unwrap().is_empty(), "who is not in control commands nothing");
    second.helm.take_control();
    news(&mut second, |p| p.mine).await;
    assert_eq!(news(&mut first, |p| !p.mine).await.control.as_deref(), Some("two"));
    second.helm.send(Command::Stop { checkpoint: true });
    // Whatever is said last is out when the farewell has been waited for.
    let farewell = second.farewell;
    drop(second.helm);
    farewell.wait().await;
    assert_eq!(news(&mut first, |p| p.viewers == 1).await.control, None);
    assert_eq!(*bench.sent.0.lock().unwrap(), [Command::Stop { checkpoint: true }]);
}

#[tokio::test]
async fn records_come_in_order_and_the_last_ones_before_the_end() {
    let mut bench = Bench::new();
    let mut viewer = bench.viewer("one").await;
    let mut run = RunBuilder::with_steps(30);
    run.end(30, EndReason::Completed);
    bench.publish(run.records());
    let socket = bench.socket();
    bench.end().await;
    let mut received = Vec::new();
    while let Some(record) = viewer.records.recv().await {
        received.push((*record).clone());
    }
    // As the store gives them back: the last bit of a number may be lost in JSON.
    let as_stored = |record: &Record| -> Record { decode(&encode(record).unwrap()).unwrap() };
    assert_eq!(received, run.records().iter().map(as_stored).collect::<Vec<_>>());
    assert!(!socket.exists() && !bench.folder.note().exists(), "nothing is left behind");
    assert!(matches!(attach(&bench.folder, "two").await, Err(RemoteError::NoTrainer(_))));
}

#[tokio::test]
async fn who_does_not_read_loses_records_is_told_and_holds_nobody_up() {
    let mut bench = Bench::new();
    let (mut lazy, mut other) = (bench.viewer("lazy").await, bench.viewer("other").await);
    let records = RunBuilder::with_steps(QUEUE as u64).records();
    let last = records.iter().map(|record| record.seq).max().unwrap();
    // The other viewer reads as it goes; the lazy one's queues fill, the trainer's among them.
    let reader = tokio::spawn(async move {
        while other.records.recv().await.is_some_and(|record| record.seq < last) {}
        *other.latest.borrow()
    });
    for part in records.chunks(64) {
        bench.publish(part.iter().cloned());
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert!(bench.bus.dropped() > 0, "there was room for all");
    assert!(reader.await.unwrap() >= last - 1);
    let mut received = 0;
    while *lazy.latest.borrow_and_update() < last {
        tokio::select! {
            _ = lazy.records.recv() => received += 1,
            changed = lazy.latest.changed() => changed.unwrap(),
        }
    }
    assert!(received < records.len());
    // The number of the newest record is told although the record itself was dropped; so the gap is seen.
    assert!(news(&mut lazy, |p| p.dropped > 0).await.dropped > 0);
    bench.end().await;
}

#[tokio::test]
async fn another_version_is_refused_on_both_sides_with_both_versions() {
    let bench = Bench::new();
    let (read, write) = UnixStream::connect(bench.socket()).await.unwrap().into_split();
    let (mut heard, mut said) = (frames_in(read, MOST_FROM_TRAINER), frames_out(write, MOST_FROM_TRAINER));
    let hello = Hello { protocol: 99, program_version: "9.9".into(), name: "x".into() };
    said.send(encode(&FromViewer::Hello(hello.clone())).unwrap()).await.unwrap();
    assert!(matches!(decode(&heard.next().await.unwrap().unwrap()).unwrap(), FromTrainer::Hello(_)));
    let FromTrainer::Refused(reason) = decode(&heard.next().await.unwrap().unwrap()).unwrap() else { panic!("let in") };
    assert!(reason.contains("version 99") && reason.contains("9.9") && reason.contains("version 1"), "{reason}");
    assert!(heard.next().await.is_none());

    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(dir.path()).unwrap();
    let socket = dir.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    Note::new(socket).write(&folder).unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut said = frames_out(stream, MOST_FROM_TRAINER);
        said.send(encode(&FromTrainer::Hello(hello)).unwrap()).await.unwrap();
        futures::future::pending::<()>().await;
    });
    let Err(error) = attach(&folder, "y").await else { panic!("attached") };
    assert!(error.to_string().contains("version 99") && error.to_string().contains("9.9"), "{error}");
}

#[tokio::test]
async fn rubbish_costs_its_sender_the_connection_and_nobody_else() {
    use std::io::{Read as _, Write as _};
    let bench = Bench::new();
    let mut viewer = bench.viewer("one").await;
    let mut hello = encode(&FromViewer::Hello(Hello::new("z"))).unwrap().to_vec();
    hello.splice(0..0, (hello.len() as u32).to_be_bytes());
    let rubbish: [&[u8]; 4] =
        [b"GET / HTTP/1.1\r\n\r\n", &[0xff; 64], b"\0\0\0\x02{]", &[&hello[..], b"\0\0\0\x04null"].concat()];
    for bytes in rubbish {
        let (bytes, socket) = (bytes.to_vec(), bench.socket());
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
            stream.write_all(&bytes).unwrap();
            let mut answer = Vec::new();
            // It says a hello and perhaps a refusal; then it hangs up.
            let _ = stream.read_to_end(&mut answer);
            answer
        });
        assert!(answer.await.unwrap().len() < 1000);
    }
    bench.publish(RunBuilder::new().records());
    assert_eq!(viewer.records.recv().await.unwrap().seq, 1);
    assert_eq!(news(&mut viewer, |p| p.viewers == 1).await.control.as_deref(), Some("one"));
}

#[tokio::test]
async fn a_note_that_leads_astray_is_told() {
    let bench = Bench::new();
    let dir = tempfile::tempdir().unwrap();
    let other = RunFolder::create(&dir.path().join("other")).unwrap();
    Note::new(bench.socket()).write(&other).unwrap();
    let error = |result: Result<Attached, RemoteError>| result.err().unwrap().to_string();
    let said = error(attach(&other, "x").await);
    assert!(said.contains("it trains in") && said.contains(&bench.folder.root().display().to_string()), "{said}");
    Note { host: "elsewhere".into(), ..Note::new(bench.socket()) }.write(&other).unwrap();
    assert!(error(attach(&other, "x").await).contains("ssh -t elsewhere sqlr1-tui attach"));
    Note::new(Path::new("/tmp/sqlr1-tui-nobody-listens").into()).write(&other).unwrap();
    assert!(matches!(attach(&other, "x").await, Err(RemoteError::Io { .. })));
}

#[tokio::test]
async fn a_socket_that_goes_is_made_anew_and_viewers_stay() {
    let mut bench = Bench::new();
    let mut first = bench.viewer("first").await;
    let note = Note::read(&bench.folder).unwrap().unwrap();
    std::fs::remove_file(&note.socket).unwrap();
    let back = async {
        while !note.socket.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), back).await.expect("the socket comes back");
    // The file is there a moment before anybody listens with the right permissions.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut second = bench.viewer("second").await;
    for record in RunBuilder::with_steps(1).records() {
        bench.bus.publish(&Arc::new(record));
    }
    for attached in [&mut first, &mut second] {
        let found = tokio::time::timeout(Duration::from_secs(10), attached.records.recv()).await.unwrap();
        assert!(found.is_some());
    }
    bench.end().await;
}
