//! Steps over a schema, compiled as far as they go.

use super::ast::{Constant, Expr, Step};
use super::functions::{self, Compiled, Refusal};
use super::node::{Node, Typed, Warned};
use super::types::Type;
use super::vector::{Texts, Vector};
use crate::column::{NA_F64, NA_I32};
use crate::interner::Interner;
use crate::schema::{Field, Kind, Schema};
use std::sync::Arc;

/// Compiled steps: the columns of the source and of the steps have a slot each.
pub(super) struct Program {
    /// Number of columns of the source; they have the first slots.
    pub inputs: usize,
    /// What is done, in order.
    pub actions: Vec<Action>,
    /// The columns, by slot.
    pub fields: Vec<Field>,
    /// Their types.
    pub types: Vec<Type>,
    /// The columns that are left in the end.
    pub outputs: Vec<usize>,
}

/// A compiled step.
pub(super) enum Action {
    /// Computes a column.
    Let {
        slot: usize,
        node: Node,
        /// Infinite values become missing.
        finite: bool,
        warned: Warned,
    },
    /// Keeps the rows for which this is TRUE.
    Select(Node, Warned),
    /// Keeps the rows at which no slot is missing.
    Complete(Vec<usize>),
}

/// The first step that does not compile, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its position.
    pub step: usize,
    /// What does not compile, in a few words.
    pub why: String,
}

impl Program {
    /// Compiles steps over some columns of a schema until one of them does not compile.
    pub fn compile(steps: &[Step], schema: &Schema, columns: &[usize]) -> (Program, Option<Refused>) {
        let types = schema.fields.iter().map(Type::of).collect();
        let mut program = Program {
            inputs: schema.fields.len(),
            actions: Vec::new(),
            fields: schema.fields.clone(),
            types,
            outputs: columns.to_vec(),
        };
        for (i, step) in steps.iter().enumerate() {
            if let Err(why) = program.add(step) {
                return (program, Some(Refused { step: i, why }));
            }
        }
        (program, None)
    }

    /// Whether rows may be left out.
    pub fn filters(&self) -> bool {
        self.actions.iter().any(|action| !matches!(action, Action::Let { .. }))
    }

    /// What the columns are in the end.
    pub fn schema(&self) -> Schema {
        let filters = self.filters();
        let fields = self.outputs.iter().map(|&slot| {
            let mut field = self.fields[slot].clone();
            if filters && field.kind == Kind::Character {
                // The labels of text are those that occur.
                field.levels = None;
            }
            field
        });
        Schema::new(fields.collect())
    }

    fn add(&mut self, step: &Step) -> Result<(), Refusal> {
        match step {
            Step::Assign { name, expr, finite } => {
                let Typed { node, ty } = self.expression(expr)?;
                let slot = self.fields.len();
                self.fields.push(ty.field(name));
                self.types.push(ty);
                match self.outputs.iter().position(|&known| self.fields[known].name == *name) {
                    Some(place) => self.outputs[place] = slot,
                    None => self.outputs.push(slot),
                }
                self.actions.push(Action::Let { slot, node, finite: *finite, warned: Warned::default() });
            }
            Step::Remove(name) => self.outputs.retain(|&slot| self.fields[slot].name != *name),
            Step::Select { expr } => {
                let Typed { node, ty } = self.expression(expr.as_ref().ok_or("a function of the user's")?)?;
                if ty != Type::Logical {
                    return Err(format!("a selection that is {}", ty.name()));
                }
                self.actions.push(Action::Select(node, Warned::default()));
            }
            Step::Complete => self.actions.push(Action::Complete(self.outputs.clone())),
            Step::Keep(names) => {
                self.outputs = names.iter().filter_map(|name| self.slot(name)).collect();
            }
            Step::Hide(names) => self.outputs.retain(|&slot| !names.contains(&self.fields[slot].name)),
            Step::Opaque => return Err("a function of the user's".into()),
        }
        Ok(())
    }

    fn slot(&self, name: &str) -> Option<usize> {
        self.outputs.iter().copied().find(|&slot| self.fields[slot].name == name)
    }

    /// An expression that must be one value a row.
    fn expression(&self, expr: &Expr) -> Compiled {
        let typed = self.typed(expr)?;
        if typed.is_elementwise() { Ok(typed) } else { Err("several constants where a column is needed".into()) }
    }

    fn typed(&self, expr: &Expr) -> Compiled {
        match expr {
            Expr::Column(name) => {
                let slot = self.slot(name).ok_or_else(|| format!("column '{name}', which is not there"))?;
                Ok(Typed { node: Node::Slot(slot), ty: self.types[slot].clone() })
            }
            Expr::Row(place) => {
                let ty = match place {
                    super::Place::StartRow => Type::Double,
                    super::Place::ChunkNum => Type::Integer,
                };
                Ok(Typed { node: Node::Row(*place), ty })
            }
            Expr::Constant(constant) => Ok(constant_node(constant)),
            Expr::Call { fun, args } => {
                let args = args.iter().map(|arg| arg.as_ref().map(|arg| self.typed(arg)).transpose());
                functions::call(fun, args.collect::<Result<Vec<_>, Refusal>>()?)
            }
            Expr::Foreign(why) => Err(why.clone()),
            Expr::Cut { x, breaks, levels, right, include_lowest, ordered } => {
                let ends = functions::Ends { right: *right, include_lowest: *include_lowest };
                functions::cut(self.typed(x)?, breaks.clone(), levels.clone(), ends, *ordered)
            }
            Expr::Factor { x, values, codes, levels, ordered } => {
                functions::factor(self.typed(x)?, values.clone(), codes, levels.clone(), *ordered)
            }
        }
    }
}

fn constant_node(constant: &Constant) -> Typed {
    let ints =
        |values: &[Option<i32>]| -> Vector { values.iter().map(|x| x.unwrap_or(NA_I32)).collect::<Vec<_>>().into() };
    let doubles =
        |values: &[Option<f64>]| -> Vector { values.iter().map(|x| x.unwrap_or(NA_F64)).collect::<Vec<_>>().into() };
    let (ty, values) = match constant {
        Constant::Logical(v) => {
            (Type::Logical, v.iter().map(|x| x.map_or(NA_I32, i32::from)).collect::<Vec<_>>().into())
        }
        Constant::Integer(v) => (Type::Integer, ints(v)),
        Constant::Double(v) => (Type::Double, doubles(v)),
        Constant::Date(v) => (Type::Date, doubles(v)),
        Constant::Time(v) => (Type::Time { tz: None }, doubles(v)),
        Constant::Text(v) => {
            let mut interner = Interner::default();
            let codes = v.iter().map(|text| text.as_ref().map_or(NA_I32, |text| interner.code(text))).collect();
            (Type::Text, Texts::Coded { codes, labels: Arc::new(interner.into_labels()) }.into())
        }
    };
    Typed { ty, node: Node::Constant(values) }
}
