//! Several files, and other encodings.

use super::*;

/// A file of a folder, and its content.
fn folder(files: &[(&str, &str)]) -> (TempDir, TextOptions) {
    let dir = TempDir::new();
    for (name, content) in files {
        std::fs::write(dir.join(name), content).unwrap();
    }
    let options = TextOptions::new(dir.path());
    (dir, options)
}

#[test]
fn files_of_a_folder_are_one_table() {
    let mut expected = Vec::new();
    let mut contents = [String::from("i,s\n"), "s,i\n".into(), "i,s\n".into(), "s,i".into()];
    for i in 0..300 {
        let s = format!("label {}", i % 13);
        match i % 3 {
            0 => contents[0] += &format!("{i},{s}\n"),
            1 => contents[1] += &format!("{s},{i}\n"),
            _ => contents[2] += &format!("{i},{s}\n"),
        }
    }
    for file in 0..3 {
        for i in (file..300).step_by(3) {
            expected.push(vec![i.to_string(), format!("label {}", i % 13)]);
        }
    }
    let names = ["x_1.csv", "x_2.csv", "x_10.csv", "x_11.csv"];
    let files: Vec<_> = names.into_iter().zip(contents.iter().map(String::as_str)).collect();
    let (_dir, options) = folder(&files);
    for size in SIZES {
        let source = TextSource::open(&options).unwrap().with_range_bytes(size);
        assert_eq!(source.schema().fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["i", "s"]);
        for threads in [1, 3, 8] {
            assert_eq!(all_rows(&source, threads).unwrap(), expected, "{size} bytes, {threads} threads");
        }
        let counted = blocks(&source, &[], 2).unwrap();
        assert_eq!(counted.iter().map(|b| b.rows).sum::<usize>(), 300);
    }
}

#[test]
fn types_are_sniffed_in_all_files() {
    let (_dir, mut options) = folder(&[("a.csv", "x,y,z\n1,NA,a\n"), ("b.csv", "x,y,z\n2.5,3,1\n")]);
    let kinds = |options: &TextOptions| {
        let source = TextSource::open(options).unwrap();
        source.schema().fields.iter().map(|f| f.kind.clone()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&options), [Kind::Numeric, Kind::Integer, Kind::Character]);
    options.rows_to_sniff = 1;
    assert_eq!(kinds(&options), [Kind::Numeric, Kind::Integer, Kind::Character]);
}

#[test]
fn an_error_names_the_file_and_its_row() {
    let long: String = (0..5_000).map(|i| format!("{i},1\n")).collect();
    let bad = format!("x,y\n{long}oops,1\n");
    let good = format!("x,y\n{long}");
    let (dir, mut options) = folder(&[("1.csv", &good), ("2.csv", &bad), ("3.csv", "x,y\nalso wrong,1\n")]);
    options.columns.push(typed("x", Kind::Integer));
    for size in [100, 10_000, 1 << 20] {
        for threads in [1, 4] {
            let error = all_rows(&TextSource::open(&options).unwrap().with_range_bytes(size), threads).unwrap_err();
            assert_eq!((error.kind, error.row, error.column.as_deref()), (ErrorKind::Value, Some(5_001), Some("x")));
            assert_eq!(error.file.as_deref(), dir.join("2.csv").to_str(), "{size} bytes, {threads} threads");
        }
    }
}

#[test]
fn files_that_do_not_agree_are_told() {
    let fault = |first: &str, second: &str| {
        let (dir, options) = folder(&[("1.csv", first), ("2.csv", second)]);
        let error = TextSource::open(&options).err().unwrap();
        assert_eq!((error.kind, error.file.as_deref()), (ErrorKind::MissingColumn, dir.join("2.csv").to_str()));
        (error.message.replace(dir.path().to_str().unwrap(), ""), error.column.unwrap())
    };
    assert_eq!(fault("a,b\n1,2\n", "a\n1\n"), ("Column 'b' of '/1.csv' is not in '/2.csv'.".into(), "b".into()));
    assert_eq!(fault("a\n1\n", "a,c\n1,2\n"), ("Column 'c' of '/2.csv' is not in '/1.csv'.".into(), "c".into()));
    assert_eq!(fault("1,2\n", "1,2,3\n").0, "'/2.csv' has 3 columns, '/1.csv' has 2.");
}

#[test]
fn other_encodings_are_read() {
    let (text, expected) = generate(400, 5, "\n", &["café", "a\nb", "", "ß"]);
    let encoded = |name: &str| {
        let encoding = encoding_rs::Encoding::for_label(name.as_bytes()).unwrap();
        encoding.encode(&text).0.into_owned()
    };
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let with_mark = [&b"\xFF\xFE"[..], &utf16].concat();
    let files = [("latin1", encoded("latin1")), ("gb18030", encoded("gb18030")), ("utf-16le", utf16)];
    for (name, bytes) in files.into_iter().chain([("utf-16", with_mark)]) {
        for file in [File::new(&bytes), File::compressed(&bytes)] {
            let kinds = [("f", Kind::Factor { ordered: false }), ("i", Kind::Integer), ("s", Kind::Character)];
            let columns = kinds.map(|(name, kind)| typed(name, kind)).into();
            let options = TextOptions { encoding: name.into(), columns, ..file.options() };
            for size in [64, 1 << 20] {
                let source = TextSource::open(&options).unwrap().with_range_bytes(size);
                assert!(all_rows(&source, 2).unwrap() == expected, "{name}, {size}");
            }
        }
    }
    let file = File::new(b"a,b\n1,x\n2,\xFF\xFF\n");
    let options = TextOptions { encoding: "gb18030".into(), ..file.options() };
    let error = all_rows(&TextSource::open(&options).unwrap(), 1).unwrap_err();
    assert_eq!((error.kind, error.row, error.column.as_deref()), (ErrorKind::Value, Some(2), Some("b")));
    assert!(error.message.ends_with("the text is not gb18030."));
    let utf16 = File::new(b"\xFF\xFEa\0,\0b\0\n\0");
    let hint = TextSource::open(&utf16.options()).err().unwrap().hint.unwrap();
    assert!(hint.contains("utf-16"));
    let options = TextOptions { encoding: "klingon".into(), ..utf16.options() };
    assert_eq!(TextSource::open(&options).err().unwrap().kind, ErrorKind::Argument);
}
