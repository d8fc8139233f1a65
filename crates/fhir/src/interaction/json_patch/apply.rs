//! One operation, done to a tree.

use super::{Act, Operation, Pointer, Tree};

const NOWHERE: &str = "the path leads nowhere in this record";

impl Operation {
    pub(super) fn apply(&self, tree: &mut Tree) -> Result<(), &'static str> {
        match &self.act {
            Act::Add(value) => add(tree, &self.path, value.clone()),
            Act::Remove => remove(tree, &self.path).map(drop),
            Act::Replace(value) => {
                *find(tree, &self.path.0).ok_or(NOWHERE)? = value.clone();
                Ok(())
            }
            Act::Move(from) if from == &self.path => find(tree, &from.0).map(|_| ()).ok_or(NOWHERE),
            Act::Move(from) if self.path.0.starts_with(&from.0) => Err("nothing moves into itself"),
            Act::Move(from) => {
                let taken = remove(tree, from)?;
                add(tree, &self.path, taken)
            }
            Act::Copy(from) => {
                let copy = find(tree, &from.0).ok_or(NOWHERE)?.clone();
                add(tree, &self.path, copy)
            }
            Act::Test(value) => {
                let found = find(tree, &self.path.0).ok_or(NOWHERE)?;
                found.is_same(value).then_some(()).ok_or("the test does not hold")
            }
        }
    }
}

fn find<'t>(tree: &'t mut Tree, path: &[String]) -> Option<&'t mut Tree> {
    let Some((first, rest)) = path.split_first() else { return Some(tree) };
    let next = match tree {
        Tree::Object(members) => members.iter_mut().find(|(name, _)| name == first).map(|(_, value)| value),
        Tree::Array(items) => items.get_mut(index(first)?),
        Tree::Text(_) => None,
    };
    find(next?, rest)
}

/// RFC 6901 §4: no sign, no leading zeros.
fn index(text: &str) -> Option<usize> {
    let good = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    if good { text.parse().ok() } else { None }
}

fn add(tree: &mut Tree, path: &Pointer, value: Tree) -> Result<(), &'static str> {
    let Some((last, parent)) = path.0.split_last() else {
        *tree = value;
        return Ok(());
    };
    match find(tree, parent).ok_or(NOWHERE)? {
        Tree::Object(members) => {
            match members.iter_mut().find(|(name, _)| name == last) {
                Some((_, there)) => *there = value,
                None => members.push((last.clone(), value)),
            }
            Ok(())
        }
        Tree::Array(items) => {
            let at = if last == "-" { Some(items.len()) } else { index(last) };
            let at = at.filter(|at| *at <= items.len()).ok_or("there is no such place in the list")?;
            items.insert(at, value);
            Ok(())
        }
        Tree::Text(_) => Err(NOWHERE),
    }
}

fn remove(tree: &mut Tree, path: &Pointer) -> Result<Tree, &'static str> {
    let (last, parent) = path.0.split_last().ok_or("the whole record cannot be taken away")?;
    match find(tree, parent).ok_or(NOWHERE)? {
        Tree::Object(members) => {
            let at = members.iter().position(|(name, _)| name == last).ok_or(NOWHERE)?;
            Ok(members.remove(at).1)
        }
        Tree::Array(items) => {
            let at = index(last).filter(|at| *at < items.len()).ok_or(NOWHERE)?;
            Ok(items.remove(at))
        }
        Tree::Text(_) => Err(NOWHERE),
    }
}
