//! Who needs whom, as a picture in layers: what is used stands to the right of what uses it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use sluice_core::organisation::{Organisation, Service};

use crate::web::page::address;
use crate::web::visit::Visit;

/// The most services in one picture; beyond it, one is to be looked at with its neighbours.
const MOST: usize = 120;
const WIDTH: usize = 168;
const HEIGHT: usize = 40;
const GAP_X: usize = 78;
const GAP_Y: usize = 16;
const EDGE: usize = 14;

/// What is to be shown.
pub(super) struct Wanted {
    pub(super) focus: Option<String>,
    pub(super) to: Option<String>,
    pub(super) size: u8,
}

/// The picture.
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Line>,
    pub(crate) focus: String,
    pub(crate) to: String,
    pub(crate) path: Vec<String>,
    pub(crate) cut: bool,
    pub(crate) size: u8,
    pub(crate) larger: Option<String>,
    pub(crate) smaller: Option<String>,
    pub(crate) names: Vec<String>,
}

/// One service.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) short: String,
    pub(crate) owner: String,
    pub(crate) address: String,
    pub(crate) class: &'static str,
    pub(crate) x: usize,
    pub(crate) y: usize,
}

/// One need.
pub(crate) struct Line {
    pub(crate) path: String,
    pub(crate) class: &'static str,
    pub(crate) word: String,
}

type Names<'a> = BTreeSet<&'a str>;

pub(super) fn build(visit: &Visit, found: &[Arc<Service>], wanted: &Wanted, team: &str) -> Picture {
    let organisation = &visit.standing.organisation;
    let focus = wanted.focus.as_deref().filter(|name| organisation.services.contains_key(*name));
    let to = wanted.to.as_deref().filter(|name| organisation.services.contains_key(*name));
    let path =
        focus.zip(to).and_then(|(from, to)| path(organisation, from, to)).unwrap_or_default();
    let (shown, cut): (Names<'_>, bool) = match focus {
        Some(focus) => (around(organisation, focus, &path), false),
        None => {
            let related = found.iter().filter(|it| {
                found.len() <= 40
                    || !it.depends_on.is_empty()
                    || organisation.dependents_of(&it.name).next().is_some()
            });
            let names: Vec<&str> = related.map(|it| it.name.as_str()).collect();
            let cut = names.len() > MOST;
            (names.into_iter().take(MOST).collect(), cut)
        }
    };
    let layers = layers(organisation, &shown);
    let size = wanted.size.clamp(1, 4);
    let here = |size: u8| {
        let size = size.to_string();
        let parameters = [
            ("view", "graph"),
            ("team", team),
            ("focus", focus.unwrap_or_default()),
            ("to", to.unwrap_or_default()),
            ("size", size.as_str()),
        ];
        address("/services", &parameters)
    };
    let drawn = draw(organisation, &layers, focus, &path, team);
    Picture {
        focus: focus.unwrap_or_default().to_owned(),
        to: to.unwrap_or_default().to_owned(),
        path,
        cut,
        size,
        larger: (size < 4).then(|| here(size + 1)),
        smaller: (size > 1).then(|| here(size - 1)),
        names: visit.service_names(),
        ..drawn
    }
}

/// A service with what it needs and what needs it, two steps each way, and the path where one is asked for.
fn around<'a>(organisation: &'a Organisation, focus: &str, path: &[String]) -> Names<'a> {
    let mut shown: Names<'a> = Names::new();
    let known = |name: &str| organisation.services.get(name).map(|it| it.name.as_str());
    let mut pending: VecDeque<(&'a str, i8)> = VecDeque::new();
    shown.extend(
        path.iter()
            .filter_map(|name| Some(organisation.services.get(name.as_str())?.name.as_str())),
    );
    if let Some(item) = organisation.services.get(focus) {
        shown.insert(item.name.as_str());
        pending.push_back((item.name.as_str(), 0));
    }
    while let Some((name, depth)) = pending.pop_front() {
        let Some(service) = organisation.services.get(name) else { continue };
        if shown.len() >= MOST {
            break;
        }
        let needs = service.depends_on.iter().filter(|_| (0..2).contains(&depth));
        let needs: Vec<(&'a str, i8)> = needs
            .filter_map(|it| Some((organisation.services.get(it)?.name.as_str(), depth + 1)))
            .collect();
        let users = organisation.dependents_of(&service.name).filter(|_| (-1..=0).contains(&depth));
        let users: Vec<(&'a str, i8)> = users
            .filter_map(|it| Some((organisation.services.get(it)?.name.as_str(), depth - 1)))
            .collect();
        for (next, depth) in needs.into_iter().chain(users) {
            if known(next).is_some() && shown.insert(next) {
                pending.push_back((next, depth));
            }
        }
    }
    shown
}

/// The shortest way from a service to one that it needs.
fn path(organisation: &Organisation, from: &str, to: &str) -> Option<Vec<String>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let start = organisation.services.get(from)?.name.as_str();
    let mut pending = VecDeque::from([start]);
    while let Some(name) = pending.pop_front() {
        if name == to {
            let mut way = vec![name.to_owned()];
            let mut at = name;
            while let Some(previous) = before.get(at) {
                way.push((*previous).to_owned());
                at = previous;
            }
            way.reverse();
            return Some(way);
        }
        for next in &organisation.services.get(name)?.depends_on {
            let known = organisation.services.get(next).map(|it| it.name.as_str());
            if let Some(next) = known.filter(|next| *next != start && !before.contains_key(next)) {
                before.insert(next, name);
                pending.push_back(next);
            }
        }
    }
    None
}

/// The services of each layer from left to right, ordered so that lines cross little. Cycles end at whoever was seen.
fn layers<'a>(organisation: &'a Organisation, shown: &Names<'a>) -> Vec<Vec<&'a str>> {
    let mut depth: BTreeMap<&str, usize> = shown.iter().map(|name| (*name, 0)).collect();
    // Each round moves something right; more rounds than services mean a circle.
    for _ in 0..shown.len().min(64) {
        let mut moved = false;
        for name in shown {
            let Some(service) = organisation.services.get(*name) else { continue };
            let here = depth.get(name).copied().unwrap_or(0);
            for needed in &service.depends_on {
                if let Some(there) =
                    depth.get_mut(needed.as_str()).filter(|there| **there <= here && here < 40)
                {
                    *there = here + 1;
                    moved = true;
                }
            }
        }
        if !moved {
            break;
        }
    }
    let mut layers: Vec<Vec<&'a str>> = Vec::new();
    for name in shown {
        let at = depth.get(name).copied().unwrap_or(0);
        while layers.len() <= at {
            layers.push(Vec::new());
        }
        if let Some(layer) = layers.get_mut(at) {
            layer.push(name);
        }
    }
    layers.retain(|layer| !layer.is_empty());
    for _ in 0..4 {
        settle(organisation, &mut layers);
    }
    layers
}

/// Moves each service towards the middle of those that need it.
fn settle(organisation: &Organisation, layers: &mut [Vec<&str>]) {
    let mut place: BTreeMap<String, usize> = BTreeMap::new();
    for layer in layers {
        layer.sort_by_key(|name| {
            let users: Vec<usize> = organisation
                .services
                .get(*name)
                .into_iter()
                .flat_map(|it| organisation.dependents_of(&it.name))
                .filter_map(|user| place.get(user.as_str()).copied())
                .collect();
            let sum: usize = users.iter().sum();
            if users.is_empty() { usize::MAX / 2 } else { sum * 100 / users.len() }
        });
        for (at, name) in layer.iter().enumerate() {
            place.insert((*name).to_owned(), at);
        }
    }
}

fn draw(
    organisation: &Organisation,
    layers: &[Vec<&str>],
    focus: Option<&str>,
    path: &[String],
    team: &str,
) -> Picture {
    let tallest = layers.iter().map(Vec::len).max().unwrap_or(1);
    let height = tallest * (HEIGHT + GAP_Y) + 2 * EDGE;
    let width = layers.len() * (WIDTH + GAP_X) - GAP_X.min(layers.len() * GAP_X) + 2 * EDGE;
    let mut places: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut nodes = Vec::new();
    for (column, layer) in layers.iter().enumerate() {
        let top = EDGE + (tallest - layer.len()) * (HEIGHT + GAP_Y) / 2;
        for (row, name) in layer.iter().enumerate() {
            let (x, y) = (EDGE + column * (WIDTH + GAP_X), top + row * (HEIGHT + GAP_Y));
            places.insert(name, (x, y));
            let on_path = path.iter().any(|it| it == name);
            nodes.push(Node {
                name: (*name).to_owned(),
                short: shortened(name, 21),
                owner: organisation
                    .services
                    .get(*name)
                    .map_or_else(String::new, |it| shortened(it.owner.as_str(), 24)),
                address: address(
                    "/services",
                    &[("view", "graph"), ("team", team), ("focus", name)],
                ),
                class: if focus == Some(name) {
                    "focus"
                } else if on_path {
                    "on"
                } else {
                    ""
                },
                x,
                y,
            });
        }
    }
    let edges = edges(organisation, &places, focus, path);
    Picture {
        width,
        height,
        nodes,
        edges,
        focus: String::new(),
        to: String::new(),
        path: path.to_vec(),
        cut: false,
        size: 2,
        larger: None,
        smaller: None,
        names: Vec::new(),
    }
}

/// The needs among the services that are shown, as curves.
fn edges(
    organisation: &Organisation,
    places: &BTreeMap<&str, (usize, usize)>,
    focus: Option<&str>,
    path: &[String],
) -> Vec<Line> {
    let mut edges = Vec::new();
    for (name, (x, y)) in places {
        let Some(service) = organisation.services.get(*name) else { continue };
        for needed in &service.depends_on {
            let Some((to_x, to_y)) = places.get(needed.as_str()) else { continue };
            let on_path = path
                .windows(2)
                .any(|step| matches!(step, [a, b] if a == name && b == needed.as_str()));
            let touches = focus == Some(*name) || focus == Some(needed.as_str());
            edges.push(Line {
                path: curve(places, (x + WIDTH, y + HEIGHT / 2), (*to_x, to_y + HEIGHT / 2)),
                class: if on_path {
                    "on"
                } else if touches {
                    "near"
                } else {
                    ""
                },
                word: format!("{name} → {needed}"),
            });
        }
    }
    edges
}

/// A curve from the right of one service to the left of another; between others, and never behind one, where it would
/// look as if it began there.
fn curve(
    places: &BTreeMap<&str, (usize, usize)>,
    from: (usize, usize),
    to: (usize, usize),
) -> String {
    let between: BTreeSet<usize> =
        places.values().map(|(x, _)| *x).filter(|x| *x > from.0 && *x + WIDTH < to.0).collect();
    let mut path = format!("M{} {}", from.0, from.1);
    let mut bend = |(from_x, from_y): (usize, usize), (to_x, to_y): (usize, usize)| {
        let bend = (to_x.abs_diff(from_x) / 2).max(20);
        let (out, into) = (from_x + bend, to_x.saturating_sub(bend));
        path.push_str(&format!("C{out} {from_y} {into} {to_y} {to_x} {to_y}"));
    };
    let mut at = from;
    for x in between {
        let whole = to.0 - at.0;
        let straight = (at.1 * (to.0 - x) + to.1 * (x - at.0)) / whole;
        let y = free(places, x, straight);
        bend(at, (x, y));
        bend((x, y), (x + WIDTH, y));
        at = (x + WIDTH, y);
    }
    bend(at, to);
    path
}

/// The height nearest to this one at which no service stands in a column.
fn free(places: &BTreeMap<&str, (usize, usize)>, column: usize, y: usize) -> usize {
    let tops = places.values().filter(|(x, _)| *x == column).map(|(_, top)| *top);
    let hit = tops.into_iter().find(|top| (*top..=*top + HEIGHT).contains(&y));
    match hit {
        Some(top) if y < top + HEIGHT / 2 => top - GAP_Y / 2,
        Some(top) => top + HEIGHT + GAP_Y / 2,
        None => y,
    }
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most - 1).collect();
    format!("{head}…")
}

/// One service with its neighbours, for its own page.
pub(crate) fn neighbours(visit: &Visit, service: &str) -> Picture {
    let wanted = Wanted { focus: Some(service.to_owned()), to: None, size: 2 };
    build(visit, &[], &wanted, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_between_services_that_it_is_not_about() {
        let column = WIDTH + GAP_X;
        let places: BTreeMap<&str, (usize, usize)> = [
            ("web", (EDGE, 70)),
            ("above", (EDGE + column, 14)),
            ("within", (EDGE + column, 70)),
            ("store", (EDGE + 2 * column, 70)),
        ]
        .into();
        let [web, store] = ["web", "store"].map(|name| places[name]);
        let path = curve(&places, (web.0 + WIDTH, 90), (store.0, 90));
        let between = 70 + HEIGHT + GAP_Y / 2;
        assert!(path.contains(&format!(" {} {between}", EDGE + column)), "{path}");
        assert_eq!(free(&places, EDGE + column, 20), 6, "above the first");
        assert_eq!(free(&places, EDGE + column, 400), 400);
    }
}
