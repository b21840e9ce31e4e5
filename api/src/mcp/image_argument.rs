//! What an image argument may be: an id, base64, or a path. Everything else is answered with what to do instead.

use std::path::{Path, PathBuf};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use common::{Failure, FailureKind, ImageId, JobId, job::Source};
use url::Url;

use super::{dispatch::Call, own_image::own_image, resources};

/// How base64 of the usual formats begins: JPEG, PNG, WebP, GIF.
const UNMISTAKABLE: [&str; 4] = ["/9j/", "iVBOR", "UklGR", "R0lGOD"];

/// BMP, TIFF and ICO begin with so few letters that a path might too; base64 of them is at least this long.
const SHORT_BEGINNINGS: [&str; 4] = ["Qk", "SUkq", "TU0AK", "AAABAA"];
const LONGER_THAN_A_NAME: usize = 300;

/// Where chats keep attached files: in a sandbox of their own.
const SANDBOXES: [&str; 4] = ["/mnt/user-data/", "/home/claude/", "/mnt/data/", "sandbox:"];

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// An image argument, told by its looks.
#[derive(Debug, PartialEq)]
enum Given {
    /// An id, or the beginning of one.
    Id(String),
    Bytes(Vec<u8>),
    Path(String),
    Url(String),
}

/// Where the bytes of the image argument `text` come from. `argument` is its name in failures.
///
/// # Errors
/// What is wrong with it, and what to give instead.
pub(super) async fn resolve(call: &Call, text: &str, argument: &str) -> Result<Source, Failure> {
    let stores = &call.shared.stores;
    let own_link = call.shared.links.as_ref().and_then(|links| links.image_of(text));
    let given = match own_link {
        Some(id) => Given::Id(id.to_string()),
        None => tell(text, &call.shared.config.storage.allowed_dirs).map_err(|failure| failure.argument(argument))?,
    };
    match given {
        Given::Path(path) => Ok(Source::Path(path)),
        Given::Url(address) => Ok(Source::Url(address)),
        Given::Id(id) => Ok(Source::Image(own_image(call, &id, argument).await?.id)),
        Given::Bytes(bytes) => {
            let most = call.shared.config.engine.max_file_bytes;
            if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
                return Err(Failure::new(FailureKind::TooLarge, format!("The image has {} bytes.", bytes.len()))
                    .argument(argument)
                    .allowed(format!("at most {most} bytes")));
            }
            let id = ImageId::of_upload(&call.caller.user, &bytes);
            stores.blobs.put(&format!("{id}.upload"), bytes).await?;
            Ok(Source::Inline(id))
        }
    }
}

fn tell(text: &str, folders: &[PathBuf]) -> Result<Given, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::invalid("image", "No image is given.").allowed(allowed(folders)));
    }
    if let Some(id) = ImageId::parse(text).or_else(|| resources::id_of(text)) {
        return Ok(Given::Id(id.to_string()));
    }
    // Whoever means a file of that name gives its ending.
    if text.starts_with(ImageId::PREFIX) && !text.contains(['/', '.', '\\']) {
        return Ok(Given::Id(text.to_owned()));
    }
    if JobId::parse(text).is_some() {
        return Err(Failure::invalid("image", "This is the id of a job, not of an image.")
            .allowed(allowed(folders))
            .next(format!("Call get_job {{\"job_id\":\"{text}\"}}; its result holds the image_id.")));
    }
    if let Some(data) = strip_prefix_ignoring_case(text, "data:") {
        return data_url(data);
    }
    if let Some(rest) = strip_prefix_ignoring_case(text, "https://") {
        return Ok(Given::Url(format!("https://{rest}")));
    }
    if is_base64(text) {
        return decode(text);
    }
    if let Some(path) = local_path(text, folders)? {
        return Ok(Given::Path(path));
    }
    Ok(Given::Path(text.to_owned()))
}

/// Everything with a scheme, and paths that lead into a chat's sandbox.
fn local_path(text: &str, folders: &[PathBuf]) -> Result<Option<String>, Failure> {
    if SANDBOXES.iter().any(|prefix| text.starts_with(prefix))
        && !folders.iter().any(|root| Path::new(text).starts_with(root))
    {
        return Err(in_a_sandbox(folders));
    }
    if strip_prefix_ignoring_case(text, "file:").is_some() {
        let path = Url::parse(text).ok().and_then(|url| url.to_file_path().ok());
        let path = path.and_then(|path| path.to_str().map(str::to_owned));
        return match path {
            Some(path) if SANDBOXES.iter().any(|prefix| path.starts_with(prefix)) => {
                local_path(&path, folders).map(|_| Some(path))
            }
            Some(path) => Ok(Some(path)),
            None => {
                Err(Failure::invalid("image", "This file: URL names no file of this machine.")
                    .allowed(allowed(folders)))
            }
        };
    }
    for scheme in ["http:", "https:", "ftp:", "s3:", "blob:", "attachment:"] {
        if strip_prefix_ignoring_case(text, scheme).is_some() {
            return Err(Failure::invalid("image", format!("Images are not fetched from {scheme} addresses."))
                .allowed(allowed(folders))
                .next("Give an https:// address; or ask the user to save the file into one of these folders."));
        }
    }
    Ok(None)
}

fn in_a_sandbox(folders: &[PathBuf]) -> Failure {
    Failure::new(
        FailureKind::FileNotReachable,
        "This path is inside the chat's own sandbox: files attached to a chat never reach this server.",
    )
    .allowed(allowed(folders))
    .next(
        "Ask the user where the file is on this machine, or to copy it into one of these folders; then give that path.",
    )
}

/// What an image argument may be, with the folders by name.
fn allowed(folders: &[PathBuf]) -> String {
    let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    let paths = if folders.is_empty() {
        "no paths (the server's owner can allow folders with ALLOWED_DIRS)".to_owned()
    } else {
        format!("a path inside {}", folders.join(", "))
    };
    format!(
        "{paths}; the image_id of an earlier result (img_…, or at least 6 letters of its beginning); an https:// address of an image; a data: URL or base64, best under 256 KB"
    )
}

fn data_url(data: &str) -> Result<Given, Failure> {
    match data.split_once(',') {
        Some((kind, encoded)) if kind.to_ascii_lowercase().ends_with(";base64") => decode(encoded),
        _ => Err(Failure::invalid("image", "This data: URL does not hold base64.").allowed("data:image/png;base64,…")),
    }
}

fn is_base64(text: &str) -> bool {
    let unmistakable = UNMISTAKABLE.iter().any(|beginning| text.starts_with(beginning));
    let long = text.len() > LONGER_THAN_A_NAME && SHORT_BEGINNINGS.iter().any(|beginning| text.starts_with(beginning));
    // A file may be called "/9j/photo.jpg"; base64 has no dots.
    (unmistakable || long) && !text.contains('.')
}

fn decode(text: &str) -> Result<Given, Failure> {
    let plain = |byte: u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    };
    let cleaned: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).map(plain).collect();
    match BASE64.decode(&cleaned) {
        Ok(bytes) if !bytes.is_empty() => Ok(Given::Bytes(bytes)),
        Ok(_) => Err(Failure::invalid("image", "The base64 text is empty.")),
        Err(error) => Err(Failure::invalid("image", format!("The base64 text is damaged: {error}."))
            .next("Long base64 is easily corrupted on the way; give a path or an image_id instead.")),
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIXEL: &str =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==";

    fn tell(text: &str) -> Result<Given, Failure> {
        super::tell(text, &["/srv/pictures".into()])
    }

    #[test]
    fn ids_paths_and_bytes_are_told_apart() {
        let id = ImageId::random().unwrap();
        assert_eq!(tell(id.as_str()).unwrap(), Given::Id(id.to_string()));
        assert_eq!(tell(&format!("image://{id}")).unwrap(), Given::Id(id.to_string()));
        assert_eq!(tell("img_7k2m9w").unwrap(), Given::Id("img_7k2m9w".into()));
        for path in
            ["/srv/pictures/a.jpg", "a.jpg", "img_holiday.png", "/9j/photo.jpg", "Qkuchen", "C:\\a.png", "~/x.png"]
        {
            assert_eq!(tell(path).unwrap(), Given::Path(path.into()));
        }
        assert_eq!(tell("file:///srv/pictures/a%20b.jpg").unwrap(), Given::Path("/srv/pictures/a b.jpg".into()));
    }

    #[test]
    fn base64_is_read_however_it_is_dressed() {
        let wrapped = format!("{}\n {}", &PIXEL[..40], PIXEL[40..].trim_end_matches('='));
        let bitmap = format!("Qk{}", "A".repeat(400));
        for text in
            [PIXEL.to_owned(), format!("data:image/png;base64,{PIXEL}"), format!("DATA:;BASE64,{PIXEL}"), wrapped]
        {
            let Given::Bytes(bytes) = tell(&text).unwrap() else { panic!("{text}") };
            assert!(bytes.starts_with(b"\x89PNG"), "{text}");
        }
        assert!(matches!(tell(&bitmap).unwrap(), Given::Bytes(_)));
    }

    #[test]
    fn what_cannot_be_reached_is_answered_with_what_can() {
        for text in
            ["/mnt/user-data/uploads/a.png", "sandbox:/x.png", "/home/claude/a.png", "file:///mnt/user-data/a.png"]
        {
            let failure = tell(text).unwrap_err();
            assert_eq!(failure.kind, FailureKind::FileNotReachable, "{text}");
            assert!(failure.to_string().contains("/srv/pictures"), "{failure}");
        }
        for text in ["HTTP://x/y", "https:x", "", "data:image/svg+xml,<svg/>", "iVBORw0K!!", "job_7k2m9w0c4t8x3v5q"] {
            assert_eq!(tell(text).unwrap_err().kind, FailureKind::InvalidArgument, "{text}");
        }
    }

    #[test]
    fn addresses_are_for_the_worker_to_judge() {
        let address = "https://example.com/a%20b.png?x=1";
        assert_eq!(tell(address).unwrap(), Given::Url(address.into()));
        assert_eq!(tell("HTTPS://example.com/A.png").unwrap(), Given::Url("https://example.com/A.png".into()));
    }

    #[test]
    fn a_sandbox_that_is_an_allowed_folder_is_a_folder() {
        let folders = [PathBuf::from("/home/claude/pictures")];
        assert!(super::tell("/home/claude/pictures/a.png", &folders).is_ok());
        assert!(super::tell("/home/claude/other/a.png", &folders).is_err());
    }
}
