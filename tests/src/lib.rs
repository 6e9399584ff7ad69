//! The whole system, started as an operator starts it and used as a user uses it: see `tests/tests/`.
