//! Composite sets of XDF files.

use super::{About, Scan, Source, Tickets, XdfSource, pieces_within};
use crate::block::Block;
use crate::column::Column;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Schema;
use crate::xdf::head_of;
use crate::xdf::set::{DATA, SetFile};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A folder of XDF files that are one table. A block is a record batch; a file is open while it is read.
pub struct CompositeSource {
    folder: PathBuf,
    head: XdfSource,
    files: Vec<SetFile>,
    compression: Option<String>,
}

impl CompositeSource {
    /// Opens a set and reads what its head says.
    pub fn open(folder: &Path) -> Result<Self> {
        let head = head_of(folder).ok_or_else(|| {
            let message = format!("'{}' is a folder, and no composite set of XDF files.", folder.display());
            Error::new(ErrorKind::File, message).file(folder).hint("Name a file in it.")
        })?;
        let head = XdfSource::open_any(&head)?;
        let files = head.footer().info.as_ref().and_then(|info| info.files.clone());
        let files = files.ok_or_else(|| Error::corrupt(folder, "its metadata lists no files"))?;
        let mut set = CompositeSource { folder: folder.to_path_buf(), head, files, compression: None };
        // Files that are not there are told at once; those that were changed, when they are read.
        if let Some(lost) = set.files.iter().map(|file| set.path(file)).find(|path| !path.is_file()) {
            let message = format!("'{}', a part of a composite set, is not there.", lost.display());
            return Err(Error::new(ErrorKind::File, message).file(&lost).hint("Write the set again."));
        }
        if let Some(first) = set.files.first() {
            set.compression = set.open_file(first)?.about().compression;
        }
        Ok(set)
    }

    fn path(&self, file: &SetFile) -> PathBuf {
        self.folder.join(DATA).join(&file.name)
    }

    fn open_file(&self, file: &SetFile) -> Result<XdfSource> {
        let path = self.path(file);
        let opened = XdfSource::open(&path)?;
        if opened.footer().seal != file.seal {
            return Err(Error::corrupt(&path, "it is not the file that its composite set was written with"));
        }
        Ok(opened)
    }

    /// Gives the codes of a data file's block the labels of the set, which those of the file are the first of.
    fn labelled(&self, mut block: Block, columns: &[usize]) -> Block {
        for (column, &j) in block.columns.iter_mut().zip(columns) {
            if let (Column::Dict { labels, .. }, Some(known)) = (column, &self.schema().fields[j].levels) {
                labels.clone_from(known);
            }
        }
        block
    }
}

impl Source for CompositeSource {
    fn schema(&self) -> &Schema {
        self.head.schema()
    }

    fn rows(&self) -> Option<u64> {
        Some(self.files.iter().flat_map(|file| file.blocks.iter().flatten()).sum())
    }

    fn block_rows(&self) -> Option<Vec<u64>> {
        Some(self.files.iter().flat_map(|file| file.blocks.iter().map(|batches| batches.iter().sum())).collect())
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.folder)
    }

    fn about(&self) -> About {
        About { compression: self.compression.clone(), files: Some(self.files.len()), ..self.head.about() }
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        Ok(self.scan_rows(columns, 0..u64::MAX)?.0)
    }

    fn scan_rows(&self, columns: &[usize], rows: Range<u64>) -> Result<(Box<dyn Scan + '_>, u64)> {
        let columns = columns.to_vec();
        let all = self.files.iter().enumerate().flat_map(|(file, of_set)| {
            of_set.blocks.iter().flatten().enumerate().map(move |(batch, &rows)| (file, batch, rows))
        });
        let (wanted, skipped) = pieces_within(all.clone().map(|(_, _, rows)| rows), &rows);
        let places: Vec<(usize, usize)> =
            all.skip(wanted.start).take(wanted.len()).map(|(file, batch, _)| (file, batch)).collect();
        let mut left = vec![0; self.files.len()];
        places.iter().for_each(|&(file, _)| left[file] += 1);
        // Each file once it is open, and how many of its batches have not been asked for.
        let open: Vec<Mutex<(Option<Arc<XdfSource>>, usize)>> =
            left.into_iter().map(|left| Mutex::new((None, left))).collect();
        let scan = Tickets::new(places.len(), move |index| {
            let (file, batch) = places[index];
            let source = {
                let mut open = open[file].lock().map_err(|_| Error::internal("a file of a set was poisoned"))?;
                let (source, left) = &mut *open;
                let opened = match source.take() {
                    Some(opened) => opened,
                    None => Arc::new(self.open_file(&self.files[file])?),
                };
                *left -= 1;
                *source = (*left > 0).then(|| opened.clone());
                opened
            };
            let block = source.batch(batch, &columns)?;
            Ok(Block { index, ..self.labelled(block, &columns) })
        });
        Ok((Box::new(scan), skipped))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::sink::{XdfOptions, XdfSink};
    use crate::source::{Frame, RowRange};
    use crate::testing::{TempDir, copy, every_kind, feed, values};
    use crate::xdf::update_metadata;
    use crate::{Field, Kind};
    use std::fs;

    fn options(path: &Path) -> XdfOptions {
        let (rows_per_block, blocks_per_file) = (Some(100), Some(3));
        XdfOptions { path: path.to_path_buf(), rows_per_block, blocks_per_file, ..Default::default() }
    }

    fn write(source: &dyn Source, options: XdfOptions) -> Result<u64> {
        copy(source, XdfSink::create(source.schema().clone(), options)?)
    }

    fn all(source: &dyn Source) -> Vec<Vec<String>> {
        values(source, &(0..source.schema().fields.len()).collect::<Vec<_>>()).unwrap()
    }

    fn factor(labels: &[&str], codes: Vec<i32>) -> Frame {
        let labels = Arc::new(labels.iter().map(|s| s.to_string()).collect::<Vec<_>>());
        let rows = codes.len();
        let schema = Schema::new(vec![Field::new("f", Kind::Factor { ordered: false })]);
        Frame::new(schema, vec![Column::Dict { codes: codes.into(), labels }], rows).unwrap()
    }

    /// The names in a folder, sorted.
    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_set_is_one_table_and_its_files_are_tables() {
        let dir = TempDir::new();
        let path = dir.join("set");
        let table = every_kind(1030).with_block_rows(77);
        let description = Some("All kinds".to_string());
        assert_eq!(write(&table, XdfOptions { description, ..options(&path) }).unwrap(), 1030);
        assert_eq!(names(&path.join("data")), ["set_1.xdfd", "set_2.xdfd", "set_3.xdfd", "set_4.xdfd"]);
        assert_eq!(names(&path.join("metadata")), ["set.xdfm"]);
        let set = CompositeSource::open(&path).unwrap();
        assert_eq!(all(&set), all(&table));
        assert_eq!((set.rows(), set.block_rows().unwrap()), (Some(1030), [vec![100; 10], vec![30]].concat()));
        let about = set.about();
        assert_eq!((about.files, about.compression.as_deref()), (Some(4), Some("lz4")));
        assert_eq!(about.description.as_deref(), Some("All kinds"));
        assert_eq!(set.schema().fields[2].high, Some(1029.0 * 7.0 - 5.0));
        assert_eq!(values(&set, &[8, 2, 8]).unwrap(), values(&table, &[8, 2, 8]).unwrap());
        let part = XdfSource::open(&path.join("data/set_2.xdfd")).unwrap();
        let table = Arc::new(table);
        assert_eq!(all(&part), all(&RowRange::new(table.clone(), 300, Some(300))));
        let set = Arc::new(set);
        for (start, count) in [(0, 1), (299, 2), (350, 600), (1000, 500), (1030, 1)] {
            let some = |source: Arc<dyn Source>| all(&RowRange::new(source, start, Some(count)));
            assert_eq!(some(set.clone()), some(table.clone()), "{count} rows from {start}");
        }
        let head = XdfSource::open(&path.join("metadata/set.xdfm")).err().unwrap();
        assert_eq!(head.hint.as_deref(), Some("Name the folder of the set."));

        fs::rename(&path, dir.join("moved")).unwrap();
        assert_eq!(CompositeSource::open(&dir.join("moved")).unwrap().rows(), Some(1030));
        assert_eq!(CompositeSource::open(dir.path()).err().unwrap().kind, ErrorKind::File);
    }

    #[test]
    fn appended_rows_are_new_files_and_bring_levels() {
        let dir = TempDir::new();
        let path = dir.join("set");
        let how =
            || XdfOptions { append_rows: true, rows_per_block: Some(2), blocks_per_file: Some(1), ..options(&path) };
        for (labels, codes) in [(["a", "b"], vec![1, 2, 1]), (["c", "b"], vec![1, 2]), (["b", "d"], vec![2])] {
            write(&factor(&labels, codes), how()).unwrap();
        }
        let set = CompositeSource::open(&path).unwrap();
        assert_eq!(all(&set), [["a", "b", "a", "c", "b", "d"]]);
        assert_eq!(**set.schema().fields[0].levels.as_ref().unwrap(), ["a", "b", "c", "d"]);
        assert_eq!((set.block_rows().unwrap(), set.about().files), (vec![2, 1, 2, 1], Some(4)));
        let error = write(&every_kind(3), how()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::MissingColumn);
        assert_eq!(all(&CompositeSource::open(&path).unwrap()), all(&set));
    }

    #[test]
    fn the_old_set_stays_until_the_new_one_is_whole() {
        let dir = TempDir::new();
        let path = dir.join("set");
        let (old, new) = (every_kind(700), every_kind(400));
        let sink = XdfSink::create(old.schema().clone(), options(&path)).unwrap();
        feed(&old, &sink).unwrap();
        drop(sink);
        assert_eq!(dir.names(), Vec::<String>::new());

        write(&old, options(&path)).unwrap();
        let error = write(&new, options(&path)).unwrap_err();
        assert_eq!(
            (error.kind, error.hint.as_deref()),
            (ErrorKind::Argument, Some("Pass overwrite = TRUE to replace it."))
        );
        for append_rows in [true, false] {
            let how = XdfOptions { overwrite: true, append_rows, ..options(&path) };
            let sink = XdfSink::create(old.schema().clone(), how.clone()).unwrap();
            feed(&new, &sink).unwrap();
            assert_eq!(all(&CompositeSource::open(&path).unwrap()), all(&old));
            #[cfg(unix)]
            assert_eq!(XdfSink::create(old.schema().clone(), how).err().unwrap().kind, ErrorKind::File);
            drop(sink);
            assert_eq!(all(&CompositeSource::open(&path).unwrap()), all(&old));
            assert_eq!(names(&path.join("data")).len(), 3);
        }
        for wanted in [["set_4.xdfd", "set_5.xdfd"], ["set_1.xdfd", "set_2.xdfd"]] {
            write(&new, XdfOptions { overwrite: true, ..options(&path) }).unwrap();
            assert_eq!(all(&CompositeSource::open(&path).unwrap()), all(&new));
            assert_eq!(names(&path.join("data")), wanted);
        }
        // What a process that died leaves goes with the next one that writes.
        fs::write(path.join("data/set_9.xdfd"), "").unwrap();
        fs::write(path.join("data/.set_9.xdfd.rxtmp-4294967295-0"), "").unwrap();
        write(&new, XdfOptions { append_rows: true, ..options(&path) }).unwrap();
        assert_eq!(names(&path.join("data")), ["set_1.xdfd", "set_2.xdfd", "set_3.xdfd", "set_4.xdfd"]);
    }

    #[test]
    fn files_that_are_lost_or_exchanged_are_told() {
        let dir = TempDir::new();
        let path = dir.join("set");
        write(&every_kind(500), options(&path)).unwrap();
        let (first, second) = (path.join("data/set_1.xdfd"), path.join("data/set_2.xdfd"));
        let good = fs::read(&second).unwrap();
        fs::copy(&first, &second).unwrap();
        let set = CompositeSource::open(&path).unwrap();
        let error = values(&set, &[0]).unwrap_err();
        assert_eq!((error.kind, error.file.as_deref()), (ErrorKind::CorruptFile, second.to_str()));
        fs::remove_file(&second).unwrap();
        let error = CompositeSource::open(&path).err().unwrap();
        assert_eq!((error.kind, error.file.as_deref()), (ErrorKind::File, second.to_str()));
        fs::write(&second, good).unwrap();
        assert_eq!(all(&CompositeSource::open(&path).unwrap()), all(&every_kind(500)));
    }

    #[test]
    fn the_head_alone_changes_with_the_metadata() {
        let dir = TempDir::new();
        let path = dir.join("set");
        write(&factor(&["a", "b"], vec![1, 2]), options(&path)).unwrap();
        update_metadata(&path, |m| {
            m.description = "New".to_string();
            m.schema.fields[0].name = "g".to_string();
            m.schema.fields[0].levels = Some(Arc::new(vec!["x".to_string(), "y".to_string()]));
            Ok(())
        })
        .unwrap();
        let set = CompositeSource::open(&path).unwrap();
        assert_eq!((all(&set), set.about().description.as_deref()), (vec![vec!["x".into(), "y".into()]], Some("New")));
        assert_eq!(set.schema().fields[0].name, "g");
        let mut more = factor(&["y", "z"], vec![2, 1]);
        let error = write(&more, XdfOptions { append_rows: true, ..options(&path) }).unwrap_err();
        assert_eq!(error.column.as_deref(), Some("f"));
        let mut schema = more.schema().clone();
        schema.fields[0].name = "g".to_string();
        let columns = more.scan(&[0]).unwrap().next().unwrap().unwrap().columns;
        more = Frame::new(schema, columns, 2).unwrap();
        write(&more, XdfOptions { append_rows: true, ..options(&path) }).unwrap();
        assert_eq!(all(&CompositeSource::open(&path).unwrap()), [["x", "y", "z", "y"]]);
    }
}
