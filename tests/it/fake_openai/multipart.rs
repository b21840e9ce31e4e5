//! Forms (RFC 7578), read strictly.

use bytes::Bytes;
use hyper::HeaderMap;
use serde_json::{Map, Value};

/// A file of a form.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) part: String,
    pub(crate) name: String,
    pub(crate) media_type: Option<String>,
    pub(crate) bytes: Bytes,
}

/// The boundary of a form's parts, if it is a form.
pub(super) fn boundary(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("content-type")?.to_str().ok()?;
    let boundary = value.strip_prefix("multipart/form-data; boundary=")?;
    Some(boundary.trim_matches('"').to_owned())
}

/// The fields and the files, in their order.
pub(super) fn parse(boundary: &str, body: &Bytes) -> Result<(Value, Vec<File>), String> {
    let (mut fields, mut files) = (Map::new(), Vec::new());
    let mut rest = body.strip_prefix(format!("--{boundary}\r\n").as_bytes()).ok_or("no first boundary")?;
    let between = format!("\r\n--{boundary}");
    loop {
        let end = find(rest, between.as_bytes()).ok_or("a part without an end")?;
        let (part, after) = (&rest[..end], &rest[end + between.len()..]);
        let head_end = find(part, b"\r\n\r\n").ok_or("a part without a head")?;
        let head = std::str::from_utf8(&part[..head_end]).map_err(|error| error.to_string())?;
        let content = &part[head_end + 4..];
        let (mut disposition, mut media_type) = (None, None);
        for line in head.split("\r\n") {
            let (name, value) = line.split_once(": ").ok_or("a header without a value")?;
            match name.to_ascii_lowercase().as_str() {
                "content-disposition" => disposition = value.strip_prefix("form-data; "),
                "content-type" => media_type = Some(value.to_owned()),
                other => return Err(format!("a part with the header {other}")),
            }
        }
        let disposition = disposition.ok_or("a part without a disposition")?;
        let part_name = quoted(disposition, "name").ok_or("a part without a name")?;
        match quoted(disposition, "filename") {
            Some(name) => {
                files.push(File { part: part_name, name, media_type, bytes: Bytes::copy_from_slice(content) })
            }
            None => {
                let text = String::from_utf8(content.to_vec()).map_err(|error| error.to_string())?;
                if fields.insert(part_name.clone(), text.into()).is_some() {
                    return Err(format!("two fields {part_name}"));
                }
            }
        }
        match after {
            b"--\r\n" | b"--" => return Ok((fields.into(), files)),
            _ => rest = after.strip_prefix(b"\r\n").ok_or("a boundary without an end of line")?,
        }
    }
}

fn quoted(disposition: &str, name: &str) -> Option<String> {
    let value = disposition.split("; ").find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(value.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
