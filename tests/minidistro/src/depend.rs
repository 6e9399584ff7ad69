//! Debian dependency fields told as RPM dependencies.

use std::cmp::Ordering;
use std::collections::HashMap;

use rpm::Dependency;

use crate::version::Evr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Less,
    LessEqual,
    Equal,
    GreaterEqual,
    Greater,
}

/// One name with an optional version bound, as in `libc6 (>= 2.36)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    pub name: String,
    pub bound: Option<(Op, Evr)>,
}

impl Op {
    fn parse(debian: &str) -> Option<Self> {
        Some(match debian {
            "<<" => Self::Less,
            "<=" | "<" => Self::LessEqual,
            "=" => Self::Equal,
            ">=" | ">" => Self::GreaterEqual,
            ">>" => Self::Greater,
            _ => return None,
        })
    }

    fn rpm(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Equal => "=",
            Self::GreaterEqual => ">=",
            Self::Greater => ">",
        }
    }

    fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessEqual => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::GreaterEqual => order.is_ge(),
            Self::Greater => order.is_gt(),
        }
    }
}

impl Clause {
    /// Reads `name:arch (op version) [arch] <profile>`; arches and profiles do not concern us.
    fn parse(text: &str) -> Option<Self> {
        let name = text.split([' ', '(', '[', '<', ':']).next()?.to_owned();
        if name.is_empty() {
            return None;
        }
        let inside =
            text.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(inside, _)| inside);
        Some(Self { name, bound: inside.and_then(bound) })
    }

    pub fn to_rpm(&self) -> Dependency {
        let Some((op, evr)) = &self.bound else { return Dependency::any(&self.name) };
        match op {
            Op::Less => Dependency::less(&self.name, evr.to_string()),
            Op::LessEqual => Dependency::less_eq(&self.name, evr.to_string()),
            Op::Equal => Dependency::eq(&self.name, evr.to_string()),
            Op::GreaterEqual => Dependency::greater_eq(&self.name, evr.to_string()),
            Op::Greater => Dependency::greater(&self.name, evr.to_string()),
        }
    }

    fn in_words(&self) -> String {
        match &self.bound {
            None => self.name.clone(),
            Some((op, evr)) => format!("{} {} {evr}", self.name, op.rpm()),
        }
    }
}

fn bound(inside: &str) -> Option<(Op, Evr)> {
    let inside = inside.trim();
    let split = inside.find(|c: char| !"<>=".contains(c))?;
    let evr = Evr::from_debian(inside[split..].trim());
    let op = match (Op::parse(&inside[..split])?, &evr.release) {
        // For RPM 2.36 equals 2.36-9, so "later than 2.36" would be false for 2.36-9.
        (Op::Greater, None) => Op::GreaterEqual,
        (op, _) => op,
    };
    Some((op, evr))
}

/// A whole field: all of the outer list, one of each inner list.
pub fn parse_field(field: &str) -> Vec<Vec<Clause>> {
    let alternatives = |group: &str| group.split('|').filter_map(|one| Clause::parse(one.trim())).collect();
    field.split(',').map(alternatives).filter(|group: &Vec<Clause>| !group.is_empty()).collect()
}

/// Who provides which name in the whole distribution.
#[derive(Debug, Default)]
pub struct Index(HashMap<String, Vec<Option<Evr>>>);

impl Index {
    pub fn add(&mut self, name: &str, evr: Option<Evr>) {
        self.0.entry(name.to_owned()).or_default().push(evr);
    }

    fn satisfies(&self, clause: &Clause) -> bool {
        let fits = |provided: &Option<Evr>| match (&clause.bound, provided) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some((op, wanted)), Some(evr)) => op.accepts(evr.compare(wanted)),
        };
        self.0.get(&clause.name).is_some_and(|all| all.iter().any(fits))
    }

    /// The RPM form of one group of alternatives; none if nothing in the distribution fits,
    /// because what we leave out on purpose (dpkg, debconf) must not be asked for.
    pub fn requirement(&self, group: &[Clause]) -> Option<Dependency> {
        let fitting: Vec<&Clause> = group.iter().filter(|clause| self.satisfies(clause)).collect();
        match fitting.as_slice() {
            [] => None,
            [one] => Some(one.to_rpm()),
            several => {
                let words: Vec<String> = several.iter().map(|clause| clause.in_words()).collect();
                Some(Dependency::any(format!("({})", words.join(" or "))))
            }
        }
    }
}

#[cfg(test)]
mod tests;
