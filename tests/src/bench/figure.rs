//! One measured number and what it should reach.

use serde_json::json;

pub struct Figure {
    pub name: String,
    pub value: f64,
    pub unit: &'static str,
    pub reach: Reach,
}

#[derive(Clone, Copy)]
pub enum Reach {
    AtMost(f64),
    AtLeast(f64),
    /// Only told, so that others can be understood.
    Any,
}

impl Figure {
    pub fn at_most(name: impl Into<String>, value: f64, unit: &'static str, most: f64) -> Self {
        Self { name: name.into(), value, unit, reach: Reach::AtMost(most) }
    }

    pub fn at_least(name: impl Into<String>, value: f64, unit: &'static str, least: f64) -> Self {
        Self { name: name.into(), value, unit, reach: Reach::AtLeast(least) }
    }

    pub fn note(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, reach: Reach::Any }
    }

    pub fn is_reached(&self) -> bool {
        match self.reach {
            Reach::AtMost(most) => self.value <= most,
            Reach::AtLeast(least) => self.value >= least,
            Reach::Any => true,
        }
    }

    fn wanted(&self) -> String {
        match self.reach {
            Reach::AtMost(most) => format!("at most {}", short(most)),
            Reach::AtLeast(least) => format!("at least {}", short(least)),
            Reach::Any => "any".into(),
        }
    }

    pub fn line(&self) -> String {
        let verdict = if self.is_reached() { "reached" } else { "MISSED" };
        format!(
            "{:<52} {:>10.3} {:<5} ({} {})  {verdict}",
            self.name,
            self.value,
            self.unit,
            self.wanted(),
            self.unit
        )
    }

    pub fn json(&self) -> String {
        let reach = self.wanted();
        json!({ "name": self.name, "value": self.value, "unit": self.unit, "reach": reach, "ok": self.is_reached() })
            .to_string()
    }
}

/// Without the digits that binary fractions add.
fn short(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// The middle value.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The value that 99 of 100 do not exceed.
pub fn p99(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * 99).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_sorted_values() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(p99(values.clone()), 198.0);
        assert_eq!(median(values), 101.0);
        assert!(
            !Figure::at_most("x", f64::NAN, "s", 1.0).is_reached(),
            "nothing measured is nothing reached"
        );
    }
}
