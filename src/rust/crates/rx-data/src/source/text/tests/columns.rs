//! What can be said of columns and of how they are told from each other.

use super::*;

#[test]
fn levels_have_new_names() {
    let file = File::new("g\na\nb\nc\na\n");
    let labels = |labels: &[&str]| Some(Arc::new(labels.iter().map(|l| l.to_string()).collect::<Vec<_>>()));
    let column =
        ColumnOptions { levels: labels(&["b", "a"]), new_levels: labels(&["a", "x"]), ..ColumnOptions::of("g") };
    let source = TextSource::open(&TextOptions { columns: vec![column], ..file.options() }).unwrap();
    assert_eq!(source.schema().fields[0].levels, labels(&["a", "x"]));
    assert_eq!(all_rows(&source, 1).unwrap().concat(), ["x", "a", "missing", "x"]);
}

#[test]
fn numbers_may_be_grouped_and_text_cut() {
    let file = File::new("n;i;s\n1.234,5;1.000.000;éèê\n7;NA;ab\n,5;2;\n12.345.678,25;-1.000;abcd\n");
    let mut options = file.options();
    (options.decimal_point, options.thousands_separator) = (",".into(), Some(".".into()));
    options.columns.push(ColumnOptions { width: Some(2), ..ColumnOptions::of("s") });
    let source = TextSource::open(&options).unwrap();
    assert_eq!(source.schema().fields[..2].iter().map(|f| f.kind.name()).collect::<Vec<_>>(), ["numeric", "integer"]);
    let expected =
        [["1234.5", "1000000", "éè"], ["7", "missing", "ab"], ["0.5", "2", ""], ["12345678.25", "-1000", "ab"]];
    for size in SIZES {
        let source = TextSource::open(&options).unwrap().with_range_bytes(size);
        assert_eq!(all_rows(&source, 2).unwrap(), expected);
    }
    let file = File::new("n;i\n1,000;1\n1,00;2\n");
    let mut options = TextOptions { rows_to_sniff: 1, ..file.options() };
    options.thousands_separator = Some(",".into());
    let error = all_rows(&TextSource::open(&options).unwrap(), 1).unwrap_err();
    assert!(error.message.ends_with("Row 2 of") || error.message.contains("'1,00' is not an integer"), "{error}");
}

#[test]
fn columns_at_fixed_places() {
    let mut text = String::new();
    let mut expected = Vec::new();
    for i in 0..500 {
        let name = ["ann", "émile", "", "x"][i % 4];
        text += &format!("{i:>4}{name:<6}{:>5} rest\r\n", i * 3);
        expected.push(vec![name.to_string(), i.to_string(), (i as f64 * 0.03).to_string()]);
    }
    let at = |name: &str, kind: Option<Kind>, start: usize, width: usize| ColumnOptions {
        kind,
        start: Some(start),
        width: Some(width),
        ..ColumnOptions::of(name)
    };
    let columns = vec![
        at("name", None, 5, 6),
        at("i", Some(Kind::Integer), 1, 4),
        ColumnOptions { decimal_places: Some(2), ..at("x", None, 11, 5) },
    ];
    for file in [File::new(&text), File::compressed(text.as_bytes())] {
        for size in SIZES {
            let options = TextOptions { columns: columns.clone(), ..file.options() };
            let source = TextSource::open(&options).unwrap().with_range_bytes(size);
            let rows = all_rows(&source, 3).unwrap();
            for (row, wanted) in rows.iter().zip(&expected) {
                assert_eq!(row[..2], wanted[..2]);
                assert!((row[2].parse::<f64>().unwrap() - wanted[2].parse::<f64>().unwrap()).abs() < 1e-12);
            }
            assert_eq!(rows.len(), 500);
            assert_eq!(blocks(&source, &[], 2).unwrap().iter().map(|b| b.rows).sum::<usize>(), 500);
        }
    }
    // A line may be short, and a wrong value is told as in delimited text.
    let file = File::new("1234ab\n\n12\nx234ab\n");
    let options =
        TextOptions { columns: vec![at("i", Some(Kind::Integer), 1, 4), at("s", None, 5, 2)], ..file.options() };
    let source = TextSource::open(&options).unwrap();
    let error = all_rows(&source, 1).unwrap_err();
    assert_eq!((error.kind, error.row, error.column.as_deref()), (ErrorKind::Value, Some(3), Some("i")));
    assert!(error.hint.unwrap().contains("start and width"));
    assert_eq!(blocks(&source, &[1], 1).unwrap()[0].rows, 3);
}

#[test]
fn a_schema_file_describes_its_text() {
    let dir = TempDir::new();
    std::fs::write(dir.join("claims.sts"), "FILE claims.dat\nFIRST LINE 2\nVARIABLES\n age 1-5 (A)\n cost 6-9\n")
        .unwrap();
    std::fs::write(dir.join("claims.dat"), "a title\n17-20 289\n21-24  NA\n").unwrap();
    let source = TextSource::open(&TextOptions::new(dir.join("claims.sts"))).unwrap();
    assert_eq!(all_rows(&source, 1).unwrap(), [["17-20", "289"], ["21-24", "missing"]]);
}

#[test]
fn delimiters_in_turn_and_in_runs() {
    let mut text = String::from("d:h;x\n");
    let mut expected = Vec::new();
    for i in 0..300 {
        text += &format!("{}:{};\"a:{i};b\"\n", i % 7, i % 24);
        expected.push(vec![(i % 7).to_string(), (i % 24).to_string(), format!("a:{i};b")]);
    }
    let file = File::new(text);
    for size in SIZES {
        let options = TextOptions { delimiter: Some(":;".into()), ..file.options() };
        assert_eq!(all_rows(&TextSource::open(&options).unwrap().with_range_bytes(size), 2).unwrap(), expected);
    }
    let file = File::new("a|||b|c\n1||2|3\n4|5||6\n");
    let options = TextOptions { delimiter: Some("|".into()), combine_delimiters: true, ..file.options() };
    assert_eq!(all_rows(&TextSource::open(&options).unwrap(), 1).unwrap(), [["1", "2", "3"], ["4", "5", "6"]]);
    // In turn: a surplus field is told.
    let file = File::new("a:b;c\n1:2;3\n4:5;6:7\n8:9;1\n");
    let options = TextOptions { delimiter: Some(":;".into()), ..file.options() };
    let error = all_rows(&TextSource::open(&options).unwrap(), 1).unwrap_err();
    assert_eq!((error.kind, error.row), (ErrorKind::Value, Some(2)));
}

#[test]
fn dates_are_read_by_their_format() {
    let file = File::new("day,when\n31.12.99,1.2.13 1:30 PM\n,\n01.01.2013,NA\n1.1.13,2.2.13 12:00 am\n");
    let mut options = file.options();
    options.columns = vec![typed("day", Kind::Date), typed("when", Kind::DateTime { tz: None })];
    (options.date_format, options.time_format) = ("%d.%m.%y".into(), "%d.%m.%y %H:%M %p".into());
    let expected = [["10956", "1359725400"], ["missing", "missing"], ["15706", "missing"], ["15706", "1359763200"]];
    assert_eq!(all_rows(&TextSource::open(&options).unwrap(), 1).unwrap(), expected);
    options.date_format = "%m/%d/%y".into();
    let error = all_rows(&TextSource::open(&options).unwrap(), 1).unwrap_err();
    assert!(error.message.ends_with("'31.12.99' is not a date like %m/%d/%y."), "{error}");
    assert!(error.hint.unwrap().starts_with("Pass readDateFormat as the dates are written"));
}
