use super::*;

#[test]
fn floats_print_as_python_prints_them() {
    for (number, expected) in [
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-1.5e-7, "-1.5e-07"),
        (1e100, "1e+100"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
    ] {
        assert_eq!(float_text(number), expected);
    }
}

#[test]
fn bytes_print_as_python_prints_them() {
    assert_eq!(bytes_text(b"a'b\n\x00\xff\\"), "b\"a'b\\n\\x00\\xff\\\\\"");
    assert_eq!(bytes_text(b"'\""), "b'\\'\"'");
}

#[test]
fn equality_is_exact_across_types() {
    let big = 9_007_199_254_740_993;
    assert_eq!(equal(&Value::Integer(1)), equal(&Value::Real(1.0)));
    assert_eq!(equal(&Value::Integer(0)), equal(&Value::Real(-0.0)));
    assert_ne!(equal(&Value::Integer(big)), equal(&Value::Real(9_007_199_254_740_992.0)));
    assert_ne!(equal(&Value::Integer(i64::MAX)), equal(&Value::Real(9_223_372_036_854_775_807.0)));
    assert_eq!(equal(&Value::Integer(i64::MIN)), equal(&Value::Real(-9_223_372_036_854_775_808.0)));
    assert_ne!(equal(&Value::Integer(1)), equal(&Value::Text("1".into())));
    assert_ne!(equal(&Value::Text("a".into())), equal(&Value::Blob(b"a".to_vec())));
}
