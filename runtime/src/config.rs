//! Configuration: a TOML file, then the environment; an unknown key is an error.

use std::path::{Path, PathBuf};

use config::{Environment, File, FileFormat};
use serde::de::DeserializeOwned;

#[derive(Debug, thiserror::Error)]
#[error("reading the configuration{}", .path.as_ref().map(|p| format!(" {}", p.display())).unwrap_or_default())]
pub struct ConfigError {
    path: Option<PathBuf>,
    #[source]
    source: Box<config::ConfigError>,
}

/// Reads `path` (none: defaults only), then variables such as `COPPICE_BACKEND__HTTP__LISTEN`, where
/// `prefix` is `COPPICE_BACKEND` and `__` separates sections. Types must `deny_unknown_fields`.
pub fn load<T: DeserializeOwned>(path: Option<&Path>, prefix: &str) -> Result<T, ConfigError> {
    let environment =
        Environment::with_prefix(prefix).prefix_separator("__").separator("__").try_parsing(true);
    let mut builder = config::Config::builder();
    if let Some(path) = path {
        builder = builder.add_source(File::from(path).format(FileFormat::Toml));
    }
    builder
        .add_source(environment)
        .build()
        .and_then(config::Config::try_deserialize)
        .map_err(|source| ConfigError { path: path.map(Path::to_owned), source: Box::new(source) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, default)]
    struct Sample {
        listen: String,
        limit: u32,
    }

    impl Default for Sample {
        fn default() -> Self {
            Self { listen: "127.0.0.1:0".into(), limit: 3 }
        }
    }

    #[test]
    fn missing_keys_take_defaults_and_unknown_ones_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.toml");
        std::fs::write(&path, "limit = 5\n").unwrap();
        let read: Sample = load(Some(&path), "COPPICE_NOTHING").unwrap();
        assert_eq!(read, Sample { limit: 5, ..Sample::default() });
        std::fs::write(&path, "limits = 5\n").unwrap();
        let error = load::<Sample>(Some(&path), "COPPICE_NOTHING").unwrap_err();
        let text = format!("{error}: {}", std::error::Error::source(&error).unwrap());
        assert!(text.contains("limits") && text.contains("x.toml"), "{text}");
    }
}
