//! A composite set that grows, data file by data file.

use super::EncodedPiece;
use super::file::FileWriter;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{FolderLock, lock_folder};
use crate::schema::Schema;
use crate::sink::AtomicFile;
use crate::source::XdfSource;
use crate::xdf::set::{self, SetFile};
use crate::xdf::{Compression, FileInfo, head_of};
use std::fs;
use std::path::{Path, PathBuf};

/// A set to which record batches are written. Dropped without [`SetWriter::finish`], it leaves the set as it was.
pub(super) struct SetWriter {
    folder: PathBuf,
    /// Held as long as the set is being changed.
    _lock: Option<FolderLock>,
    blocks_per_file: u64,
    compression: Compression,
    /// The columns, as the data files know them.
    schema: Schema,
    /// What the head shall say.
    info: FileInfo,
    /// The data files of the set before, whose names are taken.
    old: Vec<SetFile>,
    /// How many of the files that `info` lists were not made here.
    kept: usize,
    current: Option<FileWriter>,
    /// Levels of each column that the current file may hold.
    levels: Vec<usize>,
    finished: bool,
}

impl SetWriter {
    /// Locks a set, or makes the folders of a new one. Returns what its head says if rows shall be appended.
    pub(super) fn open(
        folder: &Path,
        append: bool,
        overwrite: bool,
    ) -> Result<(Option<FolderLock>, Option<XdfSource>)> {
        let head = head_of(folder);
        if head.is_some() && !append && !overwrite {
            let error = Error::new(ErrorKind::Argument, format!("'{}' exists already.", folder.display()));
            return Err(error.file(folder).hint("Pass overwrite = TRUE to replace it."));
        }
        if head.is_none() {
            set::make_folders(folder)?;
        }
        let lock = lock_folder(folder)?;
        let head = head_of(folder).filter(|_| append).map(|head| XdfSource::open_any(&head)).transpose()?;
        Ok((lock, head))
    }

    /// Writes to a set that [`SetWriter::open`] has locked. `info` lists the files that stay.
    pub(super) fn new(
        folder: &Path,
        lock: Option<FolderLock>,
        blocks_per_file: u64,
        compression: Compression,
        schema: Schema,
        info: FileInfo,
    ) -> Self {
        // The head may be damaged: then nothing of it is worth keeping.
        let known = head_of(folder).and_then(|head| XdfSource::open_any(&head).ok());
        let old = known.and_then(|head| head.footer().info.as_ref()?.files.clone()).unwrap_or_default();
        set::remove_unlisted(folder, &old);
        SetWriter {
            folder: folder.to_path_buf(),
            _lock: lock,
            blocks_per_file,
            compression,
            kept: info.files.as_ref().map_or(0, Vec::len),
            schema,
            info,
            old,
            current: None,
            levels: Vec::new(),
            finished: false,
        }
    }

    /// Writes a record batch; `labels` gives the first labels of each column.
    pub(super) fn write(
        &mut self,
        piece: &EncodedPiece,
        labels: impl Fn(&[usize]) -> Result<Vec<Vec<String>>>,
    ) -> Result<()> {
        if let Some(file) =
            self.current.take_if(|file| piece.starts_block && file.info.blocks.len() as u64 >= self.blocks_per_file)
        {
            self.close(file, labels(&self.levels)?)?;
        }
        if self.current.is_none() {
            let path = self.folder.join(set::DATA).join(self.next_name());
            let info = FileInfo::new(self.info.description.clone());
            self.current = Some(FileWriter::new(AtomicFile::create(&path, true)?, &self.schema, info)?);
        }
        self.levels.clone_from(&piece.levels);
        self.current.as_mut().map_or(Ok(()), |file| file.write(piece))
    }

    /// The first name that no file of this set or of the one before has.
    fn next_name(&self) -> String {
        let taken = |name: &String| self.old.iter().chain(self.info.files.iter().flatten()).any(|f| f.name == *name);
        let first = self.info.files.as_ref().map_or(0, Vec::len) + 1;
        (first..).map(|i| set::data_name(&self.folder, i)).find(|name| !taken(name)).unwrap_or_default()
    }

    fn close(&mut self, file: FileWriter, levels: Vec<Vec<String>>) -> Result<()> {
        let (name, blocks) = (self.next_name(), file.info.blocks.clone());
        let seal = file.finish(&self.schema, levels, self.compression)?;
        self.info.files.get_or_insert_default().push(SetFile { name, blocks, seal });
        Ok(())
    }

    /// Makes the set what was written: from here on its head is the new one.
    pub(super) fn finish(mut self, schema: &Schema, levels: Vec<Vec<String>>) -> Result<()> {
        if let Some(file) = self.current.take() {
            let of_file = levels.iter().zip(&self.levels).map(|(labels, &n)| labels[..n.min(labels.len())].to_vec());
            self.close(file, of_file.collect())?;
        }
        self.info.files.get_or_insert_default();
        let path = head_of(&self.folder).unwrap_or_else(|| set::new_head(&self.folder));
        let head = FileWriter::new(AtomicFile::create(&path, true)?, schema, self.info.clone())?;
        head.finish(schema, levels, self.compression)?;
        self.finished = true;
        set::remove_unlisted(&self.folder, self.info.files.as_deref().unwrap_or_default());
        Ok(())
    }
}

impl Drop for SetWriter {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        self.current = None;
        for file in self.info.files.iter().flatten().skip(self.kept) {
            let _ = fs::remove_file(self.folder.join(set::DATA).join(&file.name));
        }
        if head_of(&self.folder).is_none() {
            set::remove_empty(&self.folder);
        }
    }
}
