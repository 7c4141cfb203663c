use super::{super::Marks, *};

#[test]
fn verdicts_are_added_up_by_hardness() {
    let verdict = |hardness, exec, exec_clean| Verdict {
        hardness,
        official: Marks { exec, exact: false, parsed: true },
        clean: Marks { exec: exec_clean, exact: true, parsed: true },
        outcome: "rows",
        clean_outcome: "rows",
        message: None,
        gold_problem: None,
    };
    let mut totals = Totals::default();
    totals.add(&verdict(Some(Hardness::Easy), true, true));
    totals.add(&verdict(Some(Hardness::Easy), false, true));
    totals.add(&verdict(None, false, false));
    let json = serde_json::to_value(totals.summary()).unwrap();
    assert_eq!((&json["n"], &json["hardness"]["easy"]["n"]), (&3.into(), &2.into()));
    assert_eq!(json["hardness"]["easy"]["execution_accuracy"], 0.5);
    assert_eq!(json["hardness"]["easy"]["execution_accuracy_clean"], 1.0);
    assert_eq!((&json["exact_match"], &json["exact_match_clean"]), (&0.0.into(), &1.0.into()));
    assert_eq!(json["outcomes"]["rows"], 3);
    let table = totals.to_string();
    assert!(table.contains("execution                0.500   0.000   0.000   0.000   0.333"), "{table}");
}
