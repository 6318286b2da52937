//! Labels and the codes they get: order of first appearance.

use crate::column::NA_I32;
use crate::schema::Labels;
use std::collections::HashMap;
use std::sync::Arc;

/// Gives each new label the next code.
#[derive(Debug, Default, Clone)]
pub struct Interner {
    codes: HashMap<String, i32>,
    labels: Vec<String>,
    /// The last dictionary translated, so that blocks sharing one cost nothing.
    last: Option<(Labels, Recode)>,
}

/// Translates codes of one dictionary to codes of another; both count from 1.
#[derive(Debug, Clone)]
pub enum Recode {
    /// The dictionaries agree as far as the first one goes.
    Same,
    /// Old code minus one to new code.
    Table(Arc<Vec<i32>>),
}

impl Recode {
    /// The new code of an old one; missing stays missing.
    pub fn code(&self, old: i32) -> i32 {
        match self {
            _ if old == NA_I32 => NA_I32,
            Recode::Same => old,
            Recode::Table(table) => table.get(old as usize - 1).copied().unwrap_or(NA_I32),
        }
    }
}

impl Interner {
    /// Starts from labels that have their codes already.
    pub fn with_labels(labels: &[String]) -> Self {
        let mut interner = Interner::default();
        for label in labels {
            interner.code(label);
        }
        interner
    }

    /// The code of a label, counted from 1; a new label gets the next one.
    pub fn code(&mut self, label: &str) -> i32 {
        if let Some(&code) = self.codes.get(label) {
            return code;
        }
        self.labels.push(label.to_string());
        let code = self.labels.len() as i32;
        self.codes.insert(label.to_string(), code);
        code
    }

    /// The code of a label that is known, counted from 1.
    pub fn get(&self, label: &str) -> Option<i32> {
        self.codes.get(label).copied()
    }

    /// Takes in all labels of a dictionary, in its order, and tells how to translate its codes.
    pub fn table(&mut self, labels: &Labels) -> Recode {
        if let Some((known, recode)) = &self.last
            && Arc::ptr_eq(known, labels)
        {
            return recode.clone();
        }
        let codes: Vec<i32> = labels.iter().map(|l| self.code(l)).collect();
        let same = codes.iter().enumerate().all(|(i, &c)| c == i as i32 + 1);
        let recode = if same { Recode::Same } else { Recode::Table(Arc::new(codes)) };
        self.last = Some((labels.clone(), recode.clone()));
        recode
    }

    /// All labels, in the order of their codes.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// All labels, in the order of their codes.
    pub fn into_labels(self) -> Vec<String> {
        self.labels
    }
}
