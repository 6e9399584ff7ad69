//! The distribution with the real dnf, rpm and rpmbuild.

#[cfg(test)]
mod builds;
#[cfg(test)]
mod distribution;
#[cfg(test)]
mod lab;
