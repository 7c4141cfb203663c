use std::fs;

use super::*;

fn file(folder: &Path, name: &str, lines: &[(usize, u8, Option<u8>)]) -> PathBuf {
    let line = |(index, exec, exact): &(usize, u8, Option<u8>)| {
        serde_json::json!({"index": index, "db_id": "d", "exec": exec, "exact": exact, "question": format!("q{index}"),
                           "sql": format!("SELECT '{name}'")})
        .to_string()
    };
    let path = folder.join(name);
    fs::write(&path, lines.iter().map(|l| line(l) + "\n").collect::<String>()).unwrap();
    path
}

#[test]
fn gains_and_losses_are_told_by_question() {
    let folder = tempfile::tempdir().unwrap();
    let a = file(
        folder.path(),
        "a",
        &[(0, 1, Some(1)), (1, 0, Some(0)), (2, 1, Some(0)), (3, 0, Some(0)), (9, 1, Some(1))],
    );
    let b = file(
        folder.path(),
        "b",
        &[(0, 1, Some(1)), (1, 1, Some(1)), (2, 0, Some(0)), (3, 1, Some(0)), (8, 1, Some(1))],
    );
    let found = compare(&a, &b).unwrap();
    assert_eq!((found.n, found.only_a, found.only_b), (4, 1, 1));
    let indices = |changed: &[Changed]| changed.iter().map(|c| c.index).collect::<Vec<_>>();
    assert_eq!((indices(&found.exec.gained), indices(&found.exec.lost)), (vec![1, 3], vec![2]));
    assert!((found.exec.difference - 0.25).abs() < 1e-12);
    assert!((found.exec.mcnemar_p - 1.0).abs() < 1e-12);
    assert_eq!(indices(&found.exact.as_ref().unwrap().gained), [1]);
    let text = found.to_string();
    assert!(text.contains("A 50.0 %, B 75.0 %, difference +25.0 points") && text.contains("q2"), "{text}");
    assert!(text.contains("1 questions of A alone, 1 of B alone"), "{text}");
}

#[test]
fn without_exact_marks_only_execution_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let a = file(folder.path(), "a", &[(0, 1, None)]);
    let b = file(folder.path(), "b", &[(0, 0, Some(1))]);
    assert_eq!(compare(&a, &b).unwrap().exact, None);
}

#[test]
fn the_lines_of_score_will_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scored");
    fs::write(
        &path,
        "{\"index\":0,\"db_id\":\"d\",\"hardness\":null,\"exec\":1,\"exact\":0}\n{\"metric\":\"spider\",\"n\":1}\n",
    )
    .unwrap();
    let found = compare(&path, &path).unwrap();
    assert_eq!((found.n, found.exec.gained.len()), (1, 0));
}

#[test]
fn what_is_wrong_with_a_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let a = file(folder.path(), "a", &[(0, 1, None)]);
    let b = file(folder.path(), "b", &[(1, 1, None)]);
    assert!(matches!(compare(&a, &b), Err(EvalError::NothingCommon { .. })));
    let twice = file(folder.path(), "twice", &[(0, 1, None), (0, 1, None)]);
    assert!(compare(&a, &twice).unwrap_err().to_string().contains("line 2"));
    let broken = folder.path().join("broken");
    fs::write(&broken, "{\"index\":0,\"db_id\":\"d\",\"exec\":1}\nnonsense\n").unwrap();
    assert!(compare(&a, &broken).unwrap_err().to_string().contains("broken, line 2"));
    assert!(compare(&a, Path::new("/no/file")).unwrap_err().to_string().contains("/no/file"));
}
