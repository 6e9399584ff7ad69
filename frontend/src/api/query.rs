//! Query strings: Python-style booleans, unknown keys, pagination.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, Responder, body::BoxBody, dev::Payload, http::header::LINK,
};
use schemars::JsonSchema;
use serde::Serialize;
use url::form_urlencoded;

use super::ApiError;

/// The decoded query of a request; the first of repeated keys counts.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

impl Query {
    fn parse(raw: &str) -> Result<Self, ApiError> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(raw.as_bytes()).into_owned().collect();
        if pairs.iter().any(|(_, value)| value.contains('\0')) {
            return Err(ApiError::BadRequest("the query holds a NUL character".into()));
        }
        Ok(Self(pairs))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a repeated key.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    pub fn required(&self, name: &'static str) -> Result<&str, ApiError> {
        self.get(name).ok_or(ApiError::MissingArgument(name))
    }

    /// `True`/`False` as Python writes them.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !matches!(value, "" | "False" | "false" | "0"))
    }

    pub fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let wrong = || ApiError::BadRequest(format!("{{'{name}': ['Not a valid integer value.']}}"));
        text.trim().parse().map(Some).map_err(|_| wrong())
    }

    /// The part of a list whose order is fixed.
    pub fn unordered_page(&self) -> Result<Page, ApiError> {
        let (limit, offset) = (self.integer("limit")?, self.integer("offset")?.unwrap_or(0));
        Ok(Page { limit, offset, after: self.integer("after")?, order: "id".into(), descending: false })
    }

    /// The part of a list that is asked for; `columns` may be ordered by.
    pub fn page(&self, columns: &[&str], object: &str) -> Result<Page, ApiError> {
        let order = self.get("order").unwrap_or("id");
        if !columns.contains(&order) {
            let order: String = order.chars().take(100).collect();
            let text = format!("Cannot order by {order}, {object} doesn't have such property");
            return Err(ApiError::BadRequest(text));
        }
        let descending = self.get("order_type").is_some_and(|text| text.eq_ignore_ascii_case("desc"));
        Ok(Page { order: order.to_owned(), descending, ..self.unordered_page()? })
    }
}

impl FromRequest for Query {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(request.query_string()))
    }
}

/// `limit` none, zero or negative means everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub limit: Option<i64>,
    pub offset: i64,
    /// Not in Copr: the part begins behind this id.
    pub after: Option<i64>,
    pub order: String,
    pub descending: bool,
}

impl Page {
    /// Whether the list comes in the order of the store.
    pub fn is_by_id(&self) -> bool {
        self.order == "id" && !self.descending
    }

    /// Whether there may be more.
    fn is_full(&self, found: usize) -> bool {
        self.limit.is_some_and(|limit| limit > 0 && usize::try_from(limit) == Ok(found))
    }

    pub fn cut(&self) -> coppice_store::Page {
        coppice_store::Page { limit: self.limit, offset: self.offset, after: self.after }
    }

    /// Cuts a whole list.
    pub fn slice<T>(&self, items: Vec<T>) -> Vec<T> {
        let size = |number: i64| usize::try_from(number).unwrap_or(0);
        let limit = self.limit.filter(|limit| *limit > 0).map_or(usize::MAX, size);
        items.into_iter().skip(size(self.offset)).take(limit).collect()
    }
}

/// What a list says about itself; clients ask on at `offset + limit`.
#[derive(Debug, Serialize, PartialEq, Eq, JsonSchema)]
pub struct Meta {
    limit: Option<i64>,
    offset: Option<i64>,
    order: Option<String>,
    order_type: Option<&'static str>,
}

impl Meta {
    /// Copr: `build/create/url` answers in the shape of a list without being one.
    pub const NONE: Self = Self { limit: None, offset: None, order: None, order_type: None };
}

impl From<&Page> for Meta {
    fn from(page: &Page) -> Self {
        Self {
            limit: page.limit,
            offset: Some(page.offset),
            order: Some(page.order.clone()),
            order_type: Some(if page.descending { "DESC" } else { "ASC" }),
        }
    }
}

/// A list as the API answers it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct List<T> {
    pub items: Vec<T>,
    pub meta: Meta,
}

/// A list that tells in its header `Link` where it goes on (RFC 8288).
#[derive(Debug)]
pub struct Listing<T> {
    list: List<T>,
    next: Option<(&'static str, i64)>,
}

impl<T> Listing<T> {
    /// A part in the order of ids, which `id` tells of an item.
    pub fn by_id(items: Vec<T>, page: &Page, id: impl FnOnce(&T) -> i64) -> Self {
        let last = items.last().map(id);
        let next = last.filter(|_| page.is_full(items.len())).map(|id| ("after", id));
        Self { list: List { items, meta: Meta::from(page) }, next }
    }

    /// A part in another order.
    pub fn ordered(items: Vec<T>, page: &Page) -> Self {
        let further = page.offset + page.limit.unwrap_or(0);
        let next = page.is_full(items.len()).then_some(("offset", further));
        Self { list: List { items, meta: Meta::from(page) }, next }
    }
}

impl<T: Serialize> Responder for Listing<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse<BoxBody> {
        let mut answer = HttpResponse::Ok();
        if let Some((name, place)) = self.next {
            answer.insert_header((LINK, format!("<{}>; rel=\"next\"", address_of(request, name, place))));
        }
        answer.json(self.list)
    }
}

/// The same question from another place on.
fn address_of(request: &HttpRequest, name: &str, place: i64) -> String {
    let asked = form_urlencoded::parse(request.query_string().as_bytes());
    let kept = asked.filter(|(key, _)| key != "after" && key != "offset");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .append_pair(name, &place.to_string())
        .finish();
    format!("{}?{query}", request.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(raw: &str) -> Query {
        Query::parse(raw).unwrap()
    }

    #[test]
    fn python_booleans_and_repeated_keys_are_understood() {
        let read = query("exist_ok=False&x=True&a=1&a=2&empty=");
        assert!(!read.flag("exist_ok") && read.flag("x") && !read.flag("empty") && !read.flag("absent"));
        assert_eq!(read.get("a"), Some("1"));
    }

    #[test]
    fn numbers_and_orders_that_make_no_sense_are_the_clients_fault() {
        let ids = ["id", "name"];
        let page = query("limit=2&offset=1&order=name&order_type=DESC").page(&ids, "copr").unwrap();
        assert_eq!((page.limit, page.offset, page.descending), (Some(2), 1, true));
        let error = |raw: &str| query(raw).page(&ids, "copr").unwrap_err().to_string();
        assert_eq!(error("limit=abc"), "{'limit': ['Not a valid integer value.']}");
        assert_eq!(error("order=nosuch"), "Cannot order by nosuch, copr doesn't have such property");
        assert!(Query::parse("a=%00").is_err());
    }
}
