//! A compiled expression: kernels over batches, chosen by type before the first row is read.

use super::ast::Place;
use super::types::Type;
use super::vector::Vector;
use crate::error::Result;
use std::sync::atomic::{AtomicBool, Ordering};

/// A function over the values of a batch.
pub(super) type Kernel = Box<dyn Fn(&[Vector], &Warned) -> Result<Vector> + Send + Sync>;

/// How to compute the values of a batch.
pub(super) enum Node {
    /// A column of the data or one computed before.
    Slot(usize),
    /// The place of the rows.
    Row(Place),
    /// The same for every batch.
    Constant(Vector),
    /// A kernel and what it takes.
    Call(Kernel, Vec<Node>),
}

/// A compiled expression and its type.
pub(super) struct Typed {
    pub node: Node,
    pub ty: Type,
}

impl Typed {
    /// A call of a kernel.
    pub fn call(ty: Type, args: impl IntoIterator<Item = Typed>, kernel: Kernel) -> Typed {
        Typed { ty, node: Node::Call(kernel, args.into_iter().map(|arg| arg.node).collect()) }
    }

    /// The same values under another type that is held alike.
    pub fn retyped(self, ty: Type) -> Typed {
        Typed { node: self.node, ty }
    }

    /// Whether R would see one value, whatever the number of rows.
    pub fn is_scalar(&self) -> bool {
        self.node.is_scalar()
    }

    /// Whether it depends on rows, or is one value.
    pub fn is_elementwise(&self) -> bool {
        !matches!(&self.node, Node::Constant(values) if values.len() != 1)
    }

    /// The values of a constant.
    pub fn constant(&self) -> Option<&Vector> {
        match &self.node {
            Node::Constant(values) => Some(values),
            _ => None,
        }
    }
}

impl Node {
    fn is_scalar(&self) -> bool {
        match self {
            Node::Slot(_) => false,
            Node::Row(_) => true,
            Node::Constant(values) => values.len() == 1,
            Node::Call(_, args) => args.iter().all(Node::is_scalar),
        }
    }

    /// The slots that it reads.
    pub fn slots(&self, found: &mut Vec<usize>) {
        match self {
            Node::Slot(slot) => found.push(*slot),
            Node::Row(_) | Node::Constant(_) => {}
            Node::Call(_, args) => args.iter().for_each(|arg| arg.slots(found)),
        }
    }

    /// Whether it needs to know where rows are.
    pub fn needs_place(&self) -> bool {
        match self {
            Node::Row(_) => true,
            Node::Slot(_) | Node::Constant(_) => false,
            Node::Call(_, args) => args.iter().any(Node::needs_place),
        }
    }
}

/// What R would have warned of.
#[derive(Debug, Default)]
pub(super) struct Warned {
    pub overflow: AtomicBool,
    pub nan: AtomicBool,
    pub integer_range: AtomicBool,
}

impl Warned {
    /// Notes what happened, if it did.
    pub fn note(flag: &AtomicBool, happened: bool) {
        if happened {
            flag.store(true, Ordering::Relaxed);
        }
    }

    /// R's words for what has happened since this was last asked.
    pub fn take(&self) -> Vec<&'static str> {
        let all = [
            (&self.overflow, "NAs produced by integer overflow"),
            (&self.nan, "NaNs produced"),
            (&self.integer_range, "NAs introduced by coercion to integer range"),
        ];
        all.into_iter().filter(|(flag, _)| flag.swap(false, Ordering::Relaxed)).map(|(_, words)| words).collect()
    }
}
