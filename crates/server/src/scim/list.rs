//! Lists (RFC 7644, 3.4.2): filtered, a page at a time, with the attributes that are wanted.

use serde::Deserialize;
use serde_json::{Value, json};

use super::filter::Filter;
use crate::problem::Problem;

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// Resources of one page at the most, and where nothing is said.
pub(super) const MOST: usize = 200;
const USUAL: usize = 100;

/// What is asked of a list, or of one resource. What else is asked, such as an order, is passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListQuery {
    pub(super) filter: Option<String>,
    pub(super) start_index: Option<i64>,
    pub(super) count: Option<i64>,
    pub(super) attributes: Option<String>,
    pub(super) excluded_attributes: Option<String>,
}

/// A list as it is made: everything goes past, and one page of it stays.
pub(super) struct Page {
    filter: Option<Filter>,
    start: usize,
    count: usize,
    found: usize,
    kept: Vec<Value>,
}

impl ListQuery {
    /// The page that is asked for. Numbers below the least mean the least (RFC 7644, 3.4.2.4).
    pub(super) fn page(&self) -> Result<Page, Problem> {
        let filter = self.filter.as_deref().map(Filter::read).transpose()?;
        let start = usize::try_from(self.start_index.unwrap_or(1).max(1)).unwrap_or(usize::MAX);
        let count = self.count.map_or(USUAL, |count| usize::try_from(count.max(0)).unwrap_or(MOST));
        Ok(Page { filter, start, count: count.min(MOST), found: 0, kept: Vec::new() })
    }

    /// Whether an attribute is to be shown.
    pub(super) fn wants(&self, name: &str) -> bool {
        let names = |list: &Option<String>| {
            let list = list.as_deref().unwrap_or_default();
            list.split(',').any(|one| top(one).eq_ignore_ascii_case(name))
        };
        let always = matches!(name, "id" | "schemas" | "meta");
        always
            || if self.attributes.is_some() {
                names(&self.attributes)
            } else {
                !names(&self.excluded_attributes)
            }
    }

    /// A resource with what is wanted of it.
    pub(super) fn cut(&self, mut resource: Value) -> Value {
        if let Some(members) = resource.as_object_mut()
            && (self.attributes.is_some() || self.excluded_attributes.is_some())
        {
            members.retain(|name, _| self.wants(name));
        }
        resource
    }
}

/// The attribute that a name, with or without schema and part, is about.
fn top(name: &str) -> &str {
    let plain = name.trim().rsplit(':').next().unwrap_or_default();
    plain.split('.').next().unwrap_or_default()
}

impl Page {
    /// The user name that is looked for, where that is all.
    pub(super) fn user_name(&self) -> Option<&str> {
        self.filter.as_ref()?.user_name()
    }

    /// Whether a filter looks into the resources.
    pub(super) fn is_filtered(&self) -> bool {
        self.filter.is_some()
    }

    /// A resource goes past.
    pub(super) fn see(&mut self, resource: impl FnOnce() -> Value) {
        let wanted = |found: usize| found >= self.start && self.kept.len() < self.count;
        match &self.filter {
            None => {
                self.found += 1;
                if wanted(self.found) {
                    self.kept.push(resource());
                }
            }
            Some(filter) => {
                let resource = resource();
                if filter.holds(&resource) {
                    self.found += 1;
                    if wanted(self.found) {
                        self.kept.push(resource);
                    }
                }
            }
        }
    }

    /// The page as it is sent.
    pub(super) fn done(self, query: &ListQuery) -> Value {
        let shown: Vec<Value> = self.kept.into_iter().map(|one| query.cut(one)).collect();
        json!({"schemas": [LIST], "totalResults": self.found, "startIndex": self.start,
            "itemsPerPage": shown.len(), "Resources": shown})
    }
}
