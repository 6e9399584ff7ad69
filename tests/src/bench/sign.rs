//! Signatures: of packages of three sizes beside rpmsign, and through the service by four clients at once.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use coppice_backend::{
    rpmfile::{RpmFile, insert_signature},
    signing::{Keygen, SignWith, Unsigned},
};
use coppice_kit::{Database, Stack, StackOptions};
use coppice_model::{
    ProjectRef,
    signing::{Grant, SignatureForm},
};
use coppice_runtime::Secret;
use rand::{Rng, SeedableRng, rngs::StdRng};
use rpm::{BuildConfig, CompressionWithLevel, FileOptions, PackageBuilder};

use crate::{
    figure::{Figure, median},
    keys,
    usage::{of_children, of_process, of_this_process},
};

const ROUNDS: usize = 7;
const CLIENTS: usize = 4;
const SPAN: Duration = Duration::from_secs(10);
const HEADER_BYTES: usize = 16 << 10;
const MEGABYTE: usize = 1 << 20;
const SMALL: usize = 1;
const LARGE: usize = 500;

pub fn measure() -> anyhow::Result<Vec<Figure>> {
    let stack = Stack::start(&StackOptions::on(Database::Sqlite));
    let alice = stack.member("alice");
    let project = keys::project(&stack, &alice, "signed")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let signer = Arc::new(runtime.block_on(Signer::open(&stack, project))?);
    let rpmsign = RpmSign::prepare(&stack.scratch().join("gnupg"))?;
    let small = compare(&runtime, &signer, &rpmsign, SMALL, stack.scratch())?;
    let large = compare(&runtime, &signer, &rpmsign, LARGE, stack.scratch())?;
    let rate = runtime.block_on(throughput(&signer))?;
    rpmsign.end()?;
    stack.close();
    Ok(vec![
        Figure::note("signing 1 MB: our CPU, keygen's included", small.0, "ms"),
        Figure::note("signing 500 MB: our CPU, keygen's included", large.0, "ms"),
        Figure::note("signing 500 MB: rpmsign's CPU without gpg-agent's", large.1, "ms"),
        Figure::at_least("signing 500 MB: CPU, theirs over ours", large.1 / large.0, "x", 50.0),
        Figure::at_most("signing: our CPU, 500 MB over 1 MB", large.0 / small.0, "x", 1.5),
        Figure::at_least("RSA-4096 signatures by HTTP, 4 clients", rate, "1/s", 100.0),
    ])
}

/// Median CPU of one signature in a package of so many megabytes: ours and rpmsign's, in milliseconds.
fn compare(
    runtime: &tokio::runtime::Runtime,
    signer: &Signer,
    rpmsign: &RpmSign,
    megabytes: usize,
    scratch: &Path,
) -> anyhow::Result<(f64, f64)> {
    let package = package(megabytes * MEGABYTE, scratch)?;
    let copy = scratch.join("signed.rpm");
    let (mut ours, mut theirs) = (0.0, Vec::new());
    for _ in 0..ROUNDS {
        fs::copy(&package, &copy)?;
        let before = signer.cpu()?;
        runtime.block_on(signer.sign_file(&copy))?;
        ours += signer.cpu()? - before;
        ensure!(RpmFile::open(&copy)?.signature.has(RSA_SIGNATURE), "nothing was signed");
        fs::copy(&package, &copy)?;
        theirs.push(rpmsign.sign(&copy)?);
    }
    fs::remove_file(&package)?;
    // The clock of another process counts hundredths of a second, so only the sum of all rounds tells.
    Ok((ours / ROUNDS as f64, median(theirs)))
}

/// RPMSIGTAG_RSA: a signature over the header.
const RSA_SIGNATURE: u32 = 268;

/// Content that no compression makes smaller.
fn package(bytes: usize, scratch: &Path) -> anyhow::Result<PathBuf> {
    let mut noise = vec![0; bytes];
    StdRng::seed_from_u64(1).fill_bytes(&mut noise);
    let mut package = PackageBuilder::new("big", "1", "MIT", "x86_64", "Much to carry");
    package.using_config(BuildConfig::v4().compression(CompressionWithLevel::None));
    package.with_file_contents(noise, FileOptions::new("/usr/share/big/noise"))?;
    let path = scratch.join(format!("big-{bytes}.rpm"));
    package.build()?.write_file(&path)?;
    Ok(path)
}

/// Keygen as the backend asks it.
struct Signer {
    keys: Keygen,
    project: ProjectRef,
    key: String,
    grant: Grant,
    keygen: i32,
}

impl Signer {
    async fn open(stack: &Stack, project: ProjectRef) -> anyhow::Result<Self> {
        let config: toml::Table = fs::read_to_string(stack.data().join("etc/backend.toml"))?.parse()?;
        let secret = Secret::read(&stack.data().join("etc/keygen-backend.secret"))?;
        let keys = Keygen::new(config["keygen_url"].as_str().unwrap_or_default(), secret)?;
        let grant = keys::grant(stack, &project)?;
        let key = keys.get(&project).await?.fingerprint;
        let keygen = *stack.pids_of("keygen").first().context("keygen runs")?;
        Ok(Self { keys, project, key, grant, keygen })
    }

    fn with(&self) -> SignWith<'_> {
        SignWith { project: &self.project, key: &self.key, grant: Some(&self.grant) }
    }

    async fn sign_file(&self, package: &Path) -> anyhow::Result<()> {
        let content = RpmFile::open(package)?.header.bytes().to_vec();
        let item = Unsigned { label: "big-1-1.x86_64.rpm".into(), content };
        let signature = self.keys.sign(self.with(), SignatureForm::Binary, &[item]).await?;
        Ok(insert_signature(package, &signature[0])?)
    }

    /// Milliseconds that this process and keygen used until now.
    fn cpu(&self) -> anyhow::Result<f64> {
        Ok(of_this_process()?.cpu + of_process(self.keygen)?)
    }
}

/// Signatures a second that clients get who ask for one after the other.
async fn throughput(signer: &Arc<Signer>) -> anyhow::Result<f64> {
    let started = Instant::now();
    let client = |number: usize| {
        let signer = signer.clone();
        async move {
            let mut done = 0_u32;
            while started.elapsed() < SPAN {
                let item = Unsigned { label: "header".into(), content: vec![number as u8; HEADER_BYTES] };
                signer.keys.sign(signer.with(), SignatureForm::Binary, &[item]).await?;
                done += 1;
            }
            anyhow::Ok(done)
        }
    };
    let running: Vec<_> = (0..CLIENTS).map(|number| tokio::spawn(client(number))).collect();
    let mut all = 0;
    for one in running {
        all += one.await??;
    }
    Ok(f64::from(all) / started.elapsed().as_secs_f64())
}

/// rpmsign with a key of the same kind.
struct RpmSign {
    home: PathBuf,
}

impl RpmSign {
    const KEY: &str = "bench <bench@example.com>";

    fn prepare(home: &Path) -> anyhow::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().mode(0o700).create(home)?;
        let mut gpg = Command::new("gpg");
        gpg.args(["--batch", "--quiet", "--passphrase", "", "--homedir"]).arg(home);
        let made = gpg.args(["--quick-gen-key", Self::KEY, "rsa4096", "sign", "never"]).output()?;
        ensure!(made.status.success(), "gpg: {}", String::from_utf8_lossy(&made.stderr));
        Ok(Self { home: home.to_owned() })
    }

    /// Milliseconds of CPU.
    fn sign(&self, package: &Path) -> anyhow::Result<f64> {
        let (before, started) = (of_children()?, Instant::now());
        let mut command = Command::new("rpmsign");
        command.arg("--addsign").env("GNUPGHOME", &self.home);
        // Debian's rpm looks for gpg2.
        command.args(["--define", "__gpg /usr/bin/gpg", "--define", &format!("_gpg_name {}", Self::KEY)]);
        command.arg(package);
        let output = command.output()?;
        ensure!(output.status.success(), "rpmsign: {}", String::from_utf8_lossy(&output.stderr));
        Ok(of_children()?.since(&before, started).cpu)
    }

    fn end(self) -> anyhow::Result<()> {
        let ended =
            Command::new("gpgconf").arg("--homedir").arg(&self.home).args(["--kill", "all"]).status()?;
        ensure!(ended.success(), "the bench's gpg-agent did not end");
        Ok(())
    }
}
