//! Risk as a picture: the score on its scale, and each factor with what it adds or takes off.

use sluice_core::risk::RiskAssessment;

use crate::web::{Markup, marks};

/// Width of the scale in the picture.
const SCALE: i64 = 300;
/// Width of one half of the factors' picture.
const HALF: i64 = 100;

/// The picture.
pub(super) struct RiskPicture {
    pub(super) score: u32,
    pub(super) level: Markup,
    pub(super) at: i64,
    pub(super) overridden: Option<String>,
    pub(super) factors: Vec<FactorBar>,
}

/// One factor.
pub(super) struct FactorBar {
    pub(super) name: String,
    pub(super) points: String,
    pub(super) because: String,
    pub(super) tone: &'static str,
    pub(super) x: i64,
    pub(super) width: i64,
}

pub(super) fn build(risk: &RiskAssessment) -> RiskPicture {
    let most = risk.factors.iter().map(|factor| factor.points.abs()).max().unwrap_or(1).max(10);
    let factors = risk.factors.iter().filter(|factor| factor.points != 0);
    RiskPicture {
        score: risk.score,
        level: marks::risk(risk.level.as_str()),
        at: SCALE * i64::from(risk.score.min(100)) / 100,
        overridden: risk.overridden.clone(),
        factors: factors
            .map(|factor| {
                let width = (HALF * i64::from(factor.points.abs()) / i64::from(most)).max(2);
                let adds = factor.points > 0;
                FactorBar {
                    name: factor.name.replace('_', " "),
                    points: format!("{:+}", factor.points).replace('-', "−"),
                    because: factor.because.clone(),
                    tone: if adds { "adds" } else { "takes" },
                    x: if adds { HALF } else { HALF - width },
                    width,
                }
            })
            .collect(),
    }
}
