//! Functions of text that do not depend on the locale. Characters are Unicode's code points, as in R.

use super::convert::{to_integer, to_text};
use super::{Compiled, Refusal, refuse};
use crate::column::NA_I32;
use crate::expr::node::{Kernel, Typed};
use crate::expr::types::Type;
use crate::expr::vector::{Texts, common_len};
use crate::interner::Interner;
use std::sync::Arc;

/// `nchar()`.
pub fn nchar(x: Typed) -> Compiled {
    if x.ty != Type::Text {
        return Err(refuse("nchar()", &[&x]));
    }
    let count = |text: Option<&str>| text.map_or(NA_I32, |text| text.chars().count() as i32);
    Ok(Typed::call(Type::Integer, [x], Box::new(move |args, _| Ok(args[0].texts()?.map(count).into()))))
}

/// `substr()` between constant positions.
pub fn substr(x: Typed, start: Typed, stop: Typed) -> Compiled {
    if x.ty != Type::Text || !(start.ty.is_number() && start.is_scalar()) || !(stop.ty.is_number() && stop.is_scalar())
    {
        return Err(refuse("substr()", &[&x, &start, &stop]));
    }
    let kernel: Kernel = Box::new(|args, _| {
        let (start, stop) = (args[1].ints()?[0], args[2].ints()?[0]);
        if start == NA_I32 || stop == NA_I32 {
            return Ok(Texts::Coded { codes: vec![NA_I32].into(), labels: Arc::default() }.into());
        }
        let skipped = start.max(1) as usize - 1;
        let taken = (stop.max(0) as usize).saturating_sub(skipped);
        Ok(args[0].texts()?.map_text(|text| text.chars().skip(skipped).take(taken).collect()).into())
    });
    Ok(Typed::call(Type::Text, [x, to_integer(start)?, to_integer(stop)?], kernel))
}

/// `startsWith()`, `endsWith()`, `grepl(fixed = TRUE)` with a constant to find.
pub fn find(fun: &str, x: Typed, wanted: Typed) -> Compiled {
    let refused = || -> Refusal { refuse(&format!("{fun}()"), &[&x, &wanted]) };
    let taken = x.ty == Type::Text || fun == "grepl" && matches!(x.ty, Type::Factor { .. });
    let constant = wanted.constant().and_then(|v| v.texts().ok()).and_then(|v| v.get(0)).map(str::to_string);
    let Some(wanted) = constant.filter(|_| taken) else { return Err(refused()) };
    let (found, missing): (fn(&str, &str) -> bool, i32) = match fun {
        "startsWith" => (|text, wanted| text.starts_with(wanted), NA_I32),
        "endsWith" => (|text, wanted| text.ends_with(wanted), NA_I32),
        _ => (|text, wanted| text.contains(wanted), 0),
    };
    let kernel: Kernel = Box::new(move |args, _| {
        Ok(args[0].texts()?.map(|text| text.map_or(missing, |text| i32::from(found(text, &wanted)))).into())
    });
    Ok(Typed::call(Type::Logical, [x], kernel))
}

/// `paste()` of texts, integers and logicals with a constant separator.
pub fn paste(separator: Typed, args: Vec<Typed>) -> Compiled {
    let constant = separator.constant().and_then(|v| v.texts().ok()).and_then(|v| v.get(0)).map(str::to_string);
    let separator = constant.ok_or("paste() without a constant separator")?;
    if args.is_empty() {
        return Err("paste() of nothing".into());
    }
    let args = args.into_iter().map(to_text).collect::<Result<Vec<_>, _>>()?;
    let kernel: Kernel = Box::new(move |args, _| {
        let parts = args.iter().map(|arg| arg.texts()).collect::<crate::Result<Vec<_>>>()?;
        let mut interner = Interner::default();
        let mut text = String::new();
        let mut codes = Vec::with_capacity(common_len(args));
        for row in 0..common_len(args) {
            text.clear();
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    text.push_str(&separator);
                }
                text.push_str(part.get(if part.len() == 1 { 0 } else { row }).unwrap_or("NA"));
            }
            codes.push(interner.code(&text));
        }
        Ok(Texts::Coded { codes: codes.into(), labels: Arc::new(interner.into_labels()) }.into())
    });
    Ok(Typed::call(Type::Text, args, kernel))
}
