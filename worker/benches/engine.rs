//! What a picture costs the engine, in CPU time.
//!
//! `cargo bench -p worker --bench engine -- FOLDER`: every JPEG of the folder through every task, mean milliseconds.
//! `… -- --serve TASK`: reads lines `INPUT<tab>OUTPUT`, does the task, answers with nanoseconds; benches/peers/run
//! measures this and other libraries so, one after the other on each picture.

use std::{
    fs,
    io::{BufRead, Read, Write, stdin, stdout},
    path::{Path, PathBuf},
    time::Duration,
};

use common::{
    Failure, Format, Recipe, Section,
    recipe::{Output, Speed},
};
use mimalloc::MiMalloc;
use rustix::time::{ClockId, clock_gettime};
use worker::engine::{Engine, Limits, Options, PreviewKind, Stop};

/// As in the programs.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Name, steps, format, quality and speed.
const TASKS: [(&str, &str, Format, u8, Speed); 8] = [
    ("t1-fast", r#"[{"op":"resize","width":800}]"#, Format::Jpeg, 80, Speed::Fast),
    ("t1-hq", r#"[{"op":"resize","width":800}]"#, Format::Jpeg, 80, Speed::Hq),
    ("t2", r#"[{"op":"resize","width":800}]"#, Format::Png, 80, Speed::Fast),
    ("t3", r#"[{"op":"resize","width":1600}]"#, Format::Webp, 80, Speed::Fast),
    ("t4", r#"[{"op":"rotate","angle_degrees":90},{"op":"blur","sigma":2}]"#, Format::Jpeg, 80, Speed::Fast),
    // The quality that makes files of the size that others make of theirs.
    ("t5", r#"[{"op":"resize","width":800}]"#, Format::Avif, 74, Speed::Fast),
    ("full", "[]", Format::Jpeg, 80, Speed::Fast),
    ("blur", r#"[{"op":"resize","width":800},{"op":"blur","sigma":2}]"#, Format::Jpeg, 80, Speed::Fast),
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let engine = Engine::new(Limits::default()).map_err(|failure| anyhow::anyhow!("{failure}"))?;
    match &arguments[..] {
        [serve, task] if serve == "--serve" => {
            for line in stdin().lock().lines() {
                let line = line?;
                let (input, output) = line.split_once('\t').unwrap_or((&line, ""));
                let (time, bytes) = run(&engine, task, Path::new(input))?;
                if !output.is_empty() {
                    fs::write(output, bytes)?;
                }
                writeln!(stdout(), "{}", time.as_nanos())?;
            }
        }
        [folder] => {
            let files = jpegs(Path::new(folder))?;
            for (task, ..) in TASKS {
                let mut times = Vec::new();
                for round in 0..4 {
                    for file in &files {
                        let (time, _) = run(&engine, task, file)?;
                        // The first round warms up.
                        if round > 0 {
                            times.push(time.as_secs_f64() * 1000.0);
                        }
                    }
                }
                let mean = times.iter().sum::<f64>() / times.len().max(1) as f64;
                writeln!(stdout(), "{task:8} {mean:8.2} ms CPU a picture, {} pictures", files.len())?;
            }
        }
        // Without a folder, as under `cargo bench` of everything, there is nothing to measure.
        _ => writeln!(stdout(), "usage: engine FOLDER | --serve TASK")?,
    }
    Ok(())
}

fn run(engine: &Engine, task: &str, file: &Path) -> anyhow::Result<(Duration, Vec<u8>)> {
    match task {
        "t6" => return inspect(engine, file, &[Section::Basic]),
        "t6-all" => return inspect(engine, file, &ALL_BUT_HASHES),
        _ => {}
    }
    let Some((_, steps, format, quality, speed)) = TASKS.iter().find(|(name, ..)| *name == task) else {
        anyhow::bail!("there is no task {task}");
    };
    let steps = Recipe::parse_steps(&serde_json::from_str(steps)?).map_err(|failure| anyhow::anyhow!("{failure}"))?;
    let recipe = Recipe {
        steps,
        output: Output { format: Some(*format), quality: Some(*quality), speed: *speed, ..Output::default() },
    };
    let before = cpu_time();
    let input = fs::read(file)?;
    let stop = Stop::new(Duration::from_secs(60));
    let made = engine.transform(&input, &recipe, &Options::default(), &stop);
    let made = made.map_err(|failure| anyhow::anyhow!("{}: {failure}", file.display()))?;
    drop(input);
    Ok((cpu_time() - before, made.bytes))
}

/// All there is to know of a file without its pixels.
const ALL_BUT_HASHES: [Section; 6] =
    [Section::Basic, Section::Exif, Section::Gps, Section::Xmp, Section::Iptc, Section::Icc];

/// What a file says of itself, as `image_metadata` tells it.
fn inspect(engine: &Engine, file: &Path, sections: &[Section]) -> anyhow::Result<(Duration, Vec<u8>)> {
    let before = cpu_time();
    let stop = Stop::new(Duration::from_secs(60));
    let failed = |failure: Failure| anyhow::anyhow!("{}: {failure}", file.display());
    let (mut start, mut opened) = (Vec::new(), fs::File::open(file)?);
    let length = opened.metadata()?.len();
    for most in Engine::STARTS {
        let more = most - start.len() as u64;
        start.reserve_exact(more as usize);
        (&opened).take(more).read_to_end(&mut start)?;
        if Engine::is_enough(&start) {
            drop(engine.inspect_start(&start, length, sections, &stop).map_err(failed)?);
            return Ok((cpu_time() - before, Vec::new()));
        }
    }
    opened.read_to_end(&mut start)?;
    drop(engine.inspect(&start, sections, PreviewKind::None, &stop).map_err(failed)?);
    Ok((cpu_time() - before, Vec::new()))
}

/// CPU time of this thread, which is the one that works.
fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

fn jpegs(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "jpg" || ending == "jpeg"));
    files.sort();
    Ok(files)
}
