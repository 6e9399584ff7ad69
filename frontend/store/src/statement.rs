//! Statements whose text is ours, for what the query builder cannot say. Unlike diesel's `sql_query` the database
//! prepares each once.

use std::{borrow::Cow, marker::PhantomData};

use diesel::{
    backend::Backend,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{BigInt, HasSqlType, Text},
};

/// What stands where the text has `$1`, `$2` and so on.
#[derive(Debug)]
pub enum Value {
    Number(i64),
    Text(String),
}

/// A query that gives rows of `Columns`; the same text for both databases.
#[derive(Debug)]
pub struct Statement<Columns> {
    text: Cow<'static, str>,
    values: Vec<Value>,
    columns: PhantomData<Columns>,
}

impl<Columns> Statement<Columns> {
    /// At most nine values.
    pub fn new(text: impl Into<Cow<'static, str>>, values: Vec<Value>) -> Self {
        Self { text: text.into(), values, columns: PhantomData }
    }
}

impl<Columns> QueryId for Statement<Columns> {
    type QueryId = ();
    // Prepared statements are told apart by their text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Columns, DB> QueryFragment<DB> for Statement<Columns>
where
    DB: Backend + HasSqlType<BigInt> + HasSqlType<Text>,
    i64: ToSql<BigInt, DB>,
    str: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let mut pieces = self.text.split('$');
        pass.push_sql(pieces.next().unwrap_or_default());
        for piece in pieces {
            let (digit, rest) = piece.split_at(1);
            let place = digit.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            match place.and_then(|place| self.values.get(place)) {
                Some(Value::Number(number)) => pass.push_bind_param::<BigInt, _>(number)?,
                Some(Value::Text(text)) => pass.push_bind_param::<Text, _>(text.as_str())?,
                None => {
                    return Err(diesel::result::Error::QueryBuilderError(
                        format!("no value for ${digit}").into(),
                    ));
                }
            }
            pass.push_sql(rest);
        }
        Ok(())
    }
}

impl<Columns> Query for Statement<Columns> {
    type SqlType = Columns;
}

impl<Columns, C> RunQueryDsl<C> for Statement<Columns> {}
