use std::{collections::BTreeMap, fs, path::Path};

use super::*;
use crate::run::store::Journal;

/// A system of made-up files.
fn system(files: &[(&str, &str)]) -> (tempfile::TempDir, Surroundings) {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let around = Surroundings {
        variables: BTreeMap::new(),
        root: dir.path().to_owned(),
        terminal: Some((120, 40)),
        user: Some("ada".into()),
        uid: rustix::process::geteuid().as_raw(),
    };
    (dir, around)
}

fn with(mut around: Surroundings, variables: &[(&str, &str)]) -> Surroundings {
    around.variables.extend(variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    around
}

#[test]
fn a_processor_without_avx2_is_warned_of() {
    let (_dir, old) = system(&[("/proc/cpuinfo", "model name\t: Old One\nflags\t\t: sse2 avx fma_not\n")]);
    let found = machine::cpu(&old);
    assert!(found.verdict == Verdict::Warn && found.found.contains("Old One"), "{found:?}");
    let (_dir, new) = system(&[("/proc/cpuinfo", "model name\t: New One\nflags\t\t: avx2 fma f16c\n")]);
    let found = machine::cpu(&new);
    assert!(found.verdict == Verdict::Ok && found.found.contains("avx2 fma f16c"), "{found:?}");
}

#[test]
fn the_device_asked_for_must_be_there() {
    let version = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5\n";
    let (_dir, around) = system(&[("/proc/driver/nvidia/version", version)]);
    let found = machine::device("auto", &around);
    assert!(found.verdict == Verdict::Ok && found.found.contains("NVIDIA driver 550.54.15"), "{found:?}");
    let (_dir, none) = system(&[]);
    let found = machine::device("cuda:7", &none);
    assert!(found.verdict == Verdict::Fail && found.found.contains("no NVIDIA driver"), "{found:?}");
}

#[test]
fn memory_is_what_system_and_container_leave() {
    let verdict = |files: &[(&str, &str)]| {
        let (_dir, around) = system(files);
        let found = machine::memory(&around);
        (found.verdict, found.found)
    };
    let plenty = ("/proc/meminfo", "MemTotal: 9\nMemAvailable:   8388608 kB\n");
    assert_eq!(verdict(&[plenty]).0, Verdict::Ok);
    assert_eq!(verdict(&[("/proc/meminfo", "MemAvailable: 1048576 kB")]).0, Verdict::Warn);
    assert_eq!(verdict(&[]).0, Verdict::Warn);
    let full =
        [plenty, ("/sys/fs/cgroup/memory.max", "1000000000\n"), ("/sys/fs/cgroup/memory.current", "900000000\n")];
    let (verdict_of, found) = verdict(&full);
    assert!(verdict_of == Verdict::Fail && found.contains("container"), "{found}");
    assert_eq!(
        verdict(&[plenty, ("/sys/fs/cgroup/memory.max", "max"), ("/sys/fs/cgroup/memory.current", "1")]).0,
        Verdict::Ok
    );
}

const EXT4: u64 = 0xef53;

#[test]
fn places_are_judged_by_room_kind_and_journal() {
    let judge = |free: u64, kind, store| disk::judge("run folder", Path::new("/r"), &disk::Place { free, kind, store });
    assert_eq!(judge(9 << 30, EXT4, Ok(Journal::WriteAhead)).verdict, Verdict::Ok);
    assert_eq!(judge(500 << 20, EXT4, Ok(Journal::WriteAhead)).verdict, Verdict::Warn);
    assert_eq!(judge(5 << 20, EXT4, Ok(Journal::WriteAhead)).verdict, Verdict::Fail);
    for (kind, word) in [(0x0102_1994, "tmpfs"), (0x6969, "NFS"), (0xff53_4d42, "SMB")] {
        let found = judge(9 << 30, kind, Ok(Journal::WriteAhead));
        assert!(found.verdict == Verdict::Warn && found.found.contains(word) && found.remedy.is_some(), "{found:?}");
    }
    let slow = judge(9 << 30, 0x6573_5546, Ok(Journal::Rollback));
    assert!(slow.verdict == Verdict::Warn && slow.found.contains("no write-ahead log"), "{slow:?}");
    let refused = judge(9 << 30, EXT4, Err("read-only".into()));
    assert!(refused.verdict == Verdict::Fail && refused.remedy.unwrap().contains("--run-dir"));
}

#[test]
fn a_folder_is_really_tried_and_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let found = disk::folder("run folder", &dir.path().join("not/there/yet"));
    assert!(found.found.contains("not/there/yet") && found.found.contains("free on"), "{found:?}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    assert_eq!(disk::folder("cache", Path::new("/proc/nothing")).verdict, Verdict::Fail);
}

#[test]
fn terminals_are_told_by_their_variables() {
    let (_dir, around) = system(&[]);
    let found = |variables: &[(&str, &str)], size| {
        terminal::findings(&Surroundings { terminal: size, ..with(around.clone(), variables) })
    };
    let kitty = found(&[("TERM", "xterm-kitty"), ("COLORTERM", "truecolor"), ("LANG", "C.UTF-8")], Some((120, 40)));
    assert!(kitty.iter().all(|f| f.verdict == Verdict::Ok), "{kitty:?}");
    assert!(kitty[0].found.contains("24-bit colours, Unicode") && kitty[1].found.contains("likely to work"));
    let small = found(&[("TERM", "vt100")], Some((60, 20)));
    assert!(small[0].verdict == Verdict::Warn && small[0].found.contains("no colours, ASCII only"), "{small:?}");
    let tmux = found(&[("TERM", "tmux-256color"), ("TMUX", "/tmp/x"), ("LC_ALL", "en_US.UTF-8")], Some((80, 24)));
    assert!(tmux[0].found.contains("inside tmux") && tmux[1].found.contains("set-clipboard"), "{tmux:?}");
    assert!(found(&[("STY", "1"), ("LANG", "C.UTF-8")], Some((80, 24)))[1].found.contains("screen"));
    let none = found(&[], None);
    assert!(none.len() == 1 && none[0].verdict == Verdict::Ok && none[0].found.contains("headless"));
}

#[test]
fn model_and_data_that_are_missing_or_damaged_fail() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    assert_eq!((files::model(&settings).verdict, files::data(&settings).verdict), (Verdict::Ok, Verdict::Ok));
    let file = dir.path().join("m.gguf");
    fs::write(&file, b"GGUF\x03").unwrap();
    settings.model.path = Some(file.display().to_string());
    settings.data.root = Some(dir.path().join("none"));
    for found in [files::model(&settings), files::data(&settings)] {
        assert!(found.verdict == Verdict::Fail && found.remedy.is_some(), "{found:?}");
    }
    settings.data.root = Some(dir.path().to_owned());
    fs::write(dir.path().join("train_spider.json"), "[]").unwrap();
    assert!(files::data(&settings).found.contains("no folder of databases"));
    fs::create_dir(dir.path().join("database")).unwrap();
    assert_eq!(files::data(&settings).verdict, Verdict::Warn, "no held-out questions");
    fs::write(dir.path().join("dev.json"), "[]").unwrap();
    assert_eq!(files::data(&settings).verdict, Verdict::Ok);
}

#[test]
fn what_logind_kills_is_read_from_all_its_files() {
    let verdict = |files: &[(&str, &str)]| {
        let (_dir, around) = system(&[&[("/run/systemd/system/x", "")], files].concat());
        session::logind(&around)
    };
    let kills = ("/etc/systemd/logind.conf", "[Login]\n#KillUserProcesses=no\nKillUserProcesses=yes\n");
    let found = verdict(&[kills]);
    assert!(found.verdict == Verdict::Warn && found.remedy.unwrap().contains("enable-linger"));
    let lingering = verdict(&[kills, ("/var/lib/systemd/linger/ada", "")]);
    assert!(lingering.found.contains("lingering is on") && !lingering.remedy.unwrap().contains("enable-linger"));
    let spared = [
        ("/usr/lib/systemd/logind.conf.d/50-x.conf", "KillUserProcesses = no"),
        ("/etc/systemd/logind.conf.d/10-x.conf", "KillExcludeUsers=root ada"),
        ("/etc/systemd/logind.conf.d/10-x.conf", "KillOnlyUsers=bob"),
    ];
    for file in spared {
        assert_eq!(verdict(&[kills, file]).verdict, Verdict::Ok, "{file:?}");
    }
    let weaker = ("/usr/lib/systemd/logind.conf.d/60-x.conf", "KillUserProcesses=no");
    let hidden = ("/etc/systemd/logind.conf.d/60-x.conf", "# nothing\n");
    assert_eq!(
        verdict(&[kills, weaker, hidden]).verdict,
        Verdict::Warn,
        "a file hides those of its name in weaker folders"
    );
    assert_eq!(verdict(&[]).verdict, Verdict::Ok);
    let (_dir, none) = system(&[kills]);
    assert!(session::logind(&none).found.contains("no systemd"));
}

#[test]
fn sockets_go_into_a_folder_of_ones_own() {
    let (dir, around) = system(&[("/tmp/x", ""), ("/run/user/x", "")]);
    let (runtime, temporary) = (dir.path().join("run/user"), dir.path().join("tmp"));
    let found = session::sockets(&with(around.clone(), &[("XDG_RUNTIME_DIR", runtime.to_str().unwrap())]), &temporary);
    assert!(found.verdict == Verdict::Ok && found.found.ends_with("run/user"), "{found:?}");
    let other = session::sockets(&with(around.clone(), &[("XDG_RUNTIME_DIR", "/nowhere")]), &temporary);
    assert!(other.verdict == Verdict::Ok && other.found.contains("not this user's"), "{other:?}");
    assert!(session::sockets(&around, &temporary).found.contains("not set"));
    assert_eq!(session::sockets(&around, &dir.path().join("gone")).verdict, Verdict::Fail);
    let long = temporary.join("x".repeat(120));
    fs::create_dir(&long).unwrap();
    assert_eq!(session::sockets(&around, &long).verdict, Verdict::Fail, "paths of sockets are short");
}

#[test]
fn the_worst_finding_is_the_verdict() {
    let ok = Finding::ok("a", "fine");
    let warn = Finding::warn("b", "meh", "do this");
    let fail = Finding::fail("c", "bad ".repeat(60), "do that");
    assert_eq!(finding::json(std::slice::from_ref(&ok))["verdict"], "ok");
    assert_eq!(finding::json(&[ok.clone(), warn.clone()])["checks"][1]["remedy"], "do this");
    let table = finding::table(&[ok, warn, fail.clone()]);
    assert!(
        table.contains("WARN  b") && table.contains("-> do this") && table.contains("Training cannot work here yet.")
    );
    assert!(table.lines().all(|line| line.len() <= 110), "{table}");
    assert_eq!(finding::json(&[fail])["verdict"], "fail");
}
