//! The inside of a sandbox: process 1 of its own world. It mounts, starts one program, watches it, notes the end.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    os::{
        fd::AsFd,
        unix::process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use nix::{
    errno::Errno,
    sys::{
        prctl,
        resource::{Resource, setrlimit},
        signal::{Signal, kill},
        wait::{WaitStatus, waitpid},
    },
    unistd::{Pid, setgroups, sethostname, setsid},
};

use super::{
    Entry, bubblewrap, collect,
    engine::{MAPPED, READY},
    loopback, mounts,
    step::{Action, BUILDER_ID, Ending, HOST_NAME, Program, Step, Visit},
    watch,
};

/// Everybody in this world but its process 1.
const ALL: Pid = Pid::from_raw(-1);

/// In the new namespaces, still without ids: says so, waits for them, becomes root by starting anew.
pub fn unmapped(own_arguments: usize) -> io::Result<()> {
    let mut outside = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    stdout.write_all(&[READY])?;
    let mut word = [0; 1];
    outside.read_exact(&mut word)?;
    if word != [MAPPED] {
        return Err(io::Error::other("unexpected word from outside"));
    }
    let own = crate::options::OwnProgram::find(own_arguments)?;
    Err(Command::new(own.path).args(own.prefix).arg(Entry::Mapped.argument()).exec())
}

/// Root of the new namespaces: carries the step out.
pub fn mapped() -> io::Result<()> {
    let mut outside = BufReader::new(File::from(io::stdin().as_fd().try_clone_to_owned()?));
    let mut line = String::new();
    outside.read_line(&mut line)?;
    let visit: Visit = serde_json::from_str(&line)?;
    listen(outside);
    prepare(&visit)?;
    // Opened between: a file that is open for writing keeps its mount from becoming read-only, and after
    // the root changed the path means something else.
    let mut note = File::create(&visit.ending)?;
    let ending = carry_out(&visit).unwrap_or_else(|error| Ending::Fault(error.to_string()));
    note.write_all(&serde_json::to_vec(&ending)?)
}

/// `int` interrupts what runs inside; the end of the line ends this world.
fn listen(outside: BufReader<File>) {
    thread::spawn(move || {
        for line in outside.lines() {
            if line.is_ok_and(|line| line == "int") {
                interrupt();
            }
        }
        std::process::exit(1);
    });
}

fn interrupt() {
    let wrapped = bubblewrap::inside();
    let whom = if wrapped.is_empty() { vec![ALL] } else { wrapped };
    for process in whom {
        if let Err(error) = kill(process, Signal::SIGINT) {
            tracing::debug!("interrupting {process}: {error}");
        }
    }
}

fn prepare(visit: &Visit) -> io::Result<()> {
    // Only fails for who leads a session already.
    setsid().ok();
    if visit.has_ids {
        setgroups(&[])?;
    }
    sethostname(HOST_NAME)?;
    mounts::make(&visit.step)
}

fn carry_out(visit: &Visit) -> io::Result<Ending> {
    let step = &visit.step;
    match &step.action {
        Action::OnHost { program, .. } => run(step, program, &mut command(program)?),
        Action::Inside { program, as_root: true } => {
            mounts::enter(step)?;
            make_ready(visit, Path::new("/"))?;
            run(step, program, &mut command(program)?)
        }
        Action::Inside { program, as_root: false } => wrapped(visit, program),
        Action::Collect { most_bytes, to } => {
            mounts::enter(step)?;
            collect::packages(to, *most_bytes)
        }
        Action::Remove(paths) => {
            for path in paths {
                mounts::remove(path)?;
            }
            Ok(Ending::Exited(0))
        }
    }
}

fn wrapped(visit: &Visit, program: &Program) -> io::Result<Ending> {
    let root = mounts::expose(&visit.step)?;
    make_ready(visit, &root)?;
    let mut wrapped = bubblewrap::wrap(visit.bwrap.as_deref(), &root, program)?;
    // Bubblewrap can only give its own id another name; this is the one that the host sees.
    if let Some(id) = builder(visit) {
        wrapped.command.uid(id).gid(id);
    }
    let ending = run(&visit.step, program, &mut wrapped.command)?;
    wrapped.ending(ending)
}

fn make_ready(visit: &Visit, root: &Path) -> io::Result<()> {
    mounts::lay_out(root, builder(visit))?;
    if visit.step.network { Ok(()) } else { loopback::up() }
}

fn builder(visit: &Visit) -> Option<u32> {
    visit.has_ids.then_some(BUILDER_ID)
}

fn command(program: &Program) -> io::Result<Command> {
    let (name, arguments) = program.arguments.split_first().ok_or_else(|| io::Error::other("no program"))?;
    let mut command = Command::new(name);
    command.args(arguments).current_dir(&program.folder);
    Ok(command)
}

fn run(step: &Step, program: &Program, command: &mut Command) -> io::Result<Ending> {
    let exceeded = Arc::new(Mutex::new(None));
    prctl::set_no_new_privs()?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    // The watch says clearly what went wrong; this stops what is faster than the watch.
    let most = step.processes.saturating_mul(2);
    setrlimit(Resource::RLIMIT_NPROC, most, most)?;
    command.stdin(Stdio::null()).env_clear();
    command.envs(program.environment.iter().map(|(name, value)| (name, value)));
    let started = command.spawn();
    let name = command.get_program().display();
    let child = started.map_err(|error| io::Error::other(format!("starting {name}: {error}")))?;
    watch::start(step, exceeded.clone());
    let status = wait_for(Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?))?;
    let exceeded = exceeded.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(exceeded.map_or_else(|| ending(status), Ending::Limit))
}

/// Process 1 inherits every orphan and has to bury it.
fn wait_for(child: Pid) -> io::Result<ExitStatus> {
    loop {
        match waitpid(ALL, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => return Ok(ExitStatus::from_raw(code << 8)),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => {
                return Ok(ExitStatus::from_raw(signal as i32));
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn ending(status: ExitStatus) -> Ending {
    match status.code() {
        Some(code) => Ending::Exited(code),
        None => Ending::Signaled(status.signal().unwrap_or_default()),
    }
}
