//! Files that are damaged, strange, or change while they are read.

use super::*;

/// Opens and reads a whole file.
fn read(options: &TextOptions, size: usize) -> Result<Vec<Vec<String>>> {
    all_rows(&TextSource::open(options)?.with_range_bytes(size), 2)
}

#[test]
fn a_compressed_file_may_be_cut_off_anywhere() {
    let content = generate(3_000, 3, "\n", &["a", "b"]).0;
    let file = File::compressed(content.as_bytes());
    let path = file.options().paths.remove(0);
    let bytes = std::fs::read(&path).unwrap();
    for length in [2, 5, 10, 11, 100, bytes.len() / 3, bytes.len() / 2, bytes.len() - 9, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        for encoding in ["utf-8", "latin1"] {
            let options = TextOptions { encoding: encoding.into(), ..file.options() };
            let error = read(&options, 10_000).unwrap_err();
            assert_eq!(error.kind, ErrorKind::CorruptFile, "{length} of {} bytes: {error}", bytes.len());
            assert!(error.file.is_some() && error.hint.is_some());
        }
    }
}

#[test]
fn a_compressed_file_with_wrong_bits_is_told() {
    let content = generate(3_000, 3, "\n", &["a", "b"]).0;
    let file = File::compressed(content.as_bytes());
    let path = file.options().paths.remove(0);
    let bytes = std::fs::read(&path).unwrap();
    let whole = read(&file.options(), 10_000).unwrap();
    for at in (2..bytes.len()).step_by(997) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        std::fs::write(&path, &flipped).unwrap();
        // Some bits of the header (its time, say) mean nothing.
        match read(&file.options(), 10_000) {
            Ok(rows) => assert!(rows == whole, "byte {at}"),
            Err(error) => {
                assert!(matches!(error.kind, ErrorKind::CorruptFile | ErrorKind::Value), "byte {at}: {error}")
            }
        }
    }
}

#[test]
fn bytes_without_meaning_are_an_error_never_a_crash() {
    let mut random = Random(7);
    for round in 0..200 {
        let mut content = b"a,b,c\n1,x,2\n2,y,3\n".to_vec();
        for _ in 0..random.below(2_000) {
            content.push(random.below(256) as u8);
        }
        let file = File::new(&content);
        for encoding in ["utf-8", "utf-16", "gb18030"] {
            let options = TextOptions { encoding: encoding.into(), ..file.options() };
            if let Err(error) = read(&options, 100) {
                let expected = [ErrorKind::CorruptFile, ErrorKind::Value, ErrorKind::Unsupported, ErrorKind::Argument];
                assert!(expected.contains(&error.kind), "{round}: {error}");
            }
        }
    }
}

#[test]
fn lines_of_100_megabytes_are_read() {
    let long = "x".repeat(100 << 20);
    let file = File::new(format!("a,b\n1,s\n2,\"{long}\"\n3,s\n"));
    let lengths = |options: &TextOptions| {
        let rows = read(options, RANGE_BYTES.0).unwrap();
        rows.iter().map(|r| r[1].len()).collect::<Vec<_>>()
    };
    assert_eq!(lengths(&file.options()), [1, long.len(), 1]);
    let file = File::new(format!("a,b\n1,s\n2,{long}\n3,s\n"));
    assert_eq!(lengths(&TextOptions { encoding: "latin1".into(), ..file.options() }), [1, long.len(), 1]);
    let columns = vec![ColumnOptions { start: Some(1), width: Some(3), ..ColumnOptions::of("b") }];
    let fixed = TextOptions { columns, rows_to_skip: 1, ..file.options() };
    assert_eq!(read(&fixed, RANGE_BYTES.0).unwrap(), [["1,s"], ["2,x"], ["3,s"]]);
}

#[test]
fn a_line_without_end_is_told() {
    let dir = TempDir::new();
    let path = dir.join("x.csv");
    // The file is sparse: it takes no space on the disk.
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(1 << 30).unwrap();
    assert_eq!(TextSource::open(&TextOptions::new(&path)).err().unwrap().kind, ErrorKind::CorruptFile);
    let mut content = b"a,b\n1,2\n".to_vec();
    content.resize(270 << 20, b'y');
    std::fs::write(&path, &content).unwrap();
    let error = read(&TextOptions { rows_to_sniff: 1, ..TextOptions::new(&path) }, RANGE_BYTES.1).unwrap_err();
    assert_eq!((error.kind, error.row), (ErrorKind::Value, Some(2)));
    assert!(error.message.ends_with("does not end within 256 MiB."));
}

#[test]
fn a_file_that_shrinks_before_or_while_it_is_read_is_told() {
    let content = format!("{}\n{}", "a header line that is skipped", generate(20_000, 4, "\n", &["a"]).0);
    for encoding in ["utf-8", "latin1"] {
        let file = File::new(&content);
        let options = TextOptions { encoding: encoding.into(), rows_to_skip: 1, ..file.options() };
        let source = TextSource::open(&options).unwrap().with_range_bytes(1_000);
        let shrink = |bytes| {
            std::fs::OpenOptions::new().write(true).open(&source.files[0].path).unwrap().set_len(bytes).unwrap();
        };
        let scan = source.scan(&[0, 1]).unwrap();
        scan.next().unwrap();
        shrink(200_000);
        let error = std::iter::from_fn(|| scan.next().transpose()).find_map(|block| block.err()).unwrap();
        assert_eq!(error.kind, ErrorKind::File);
        assert!(error.message.ends_with("has become shorter while it was read."));
        // Whoever asks again is told again.
        assert_eq!(scan.next().unwrap_err(), error);
        // Shorter than what came before the first row.
        shrink(5);
        let error = all_rows(&source, 1).unwrap_err();
        assert!(error.message.ends_with("has become shorter while it was read."), "{error}");
    }
}
