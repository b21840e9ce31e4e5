//! Recipes: each step with what it needs, and every word that recipes know.

use common::Recipe;

use super::Seed;

const RECIPES: [&str; 36] = [
    r#"[{"op":"auto_orient","enabled":false},{"op":"invert"}]"#,
    r#"[{"op":"resize","width":3}]"#,
    r##"[{"op":"resize","width":20,"height":9,"fit":"contain","background":"#00f8","gravity":"north","filter":"nearest"}]"##,
    r#"[{"op":"resize","width":4,"height":4,"fit":"cover","gravity":"smart"}]"#,
    r#"[{"op":"resize","width":12,"height":3,"fit":"fill","filter":"lanczos3"}]"#,
    r#"[{"op":"resize","width":30,"upscale":true,"match_orientation":true}]"#,
    r#"[{"op":"crop","x":1,"y":2,"width":5,"height":3}]"#,
    r#"[{"op":"crop","aspect":"16:9","gravity":"south_east"}]"#,
    r#"[{"op":"trim","threshold":10}]"#,
    r#"[{"op":"rotate","angle_degrees":30,"background":"red"}]"#,
    r#"[{"op":"rotate","angle_degrees":-90},{"op":"flip"},{"op":"flop"}]"#,
    r#"[{"op":"pad","top":1,"left":2,"right":3,"bottom":4,"background":"transparent"}]"#,
    r#"[{"op":"round_corners","radius":3}]"#,
    r#"[{"op":"blur","sigma":1.5}]"#,
    r#"[{"op":"sharpen","sigma":1,"amount":2}]"#,
    r#"[{"op":"pixelate","size":3}]"#,
    r#"[{"op":"grayscale"},{"op":"sepia","amount":0.5}]"#,
    r#"[{"op":"invert"},{"op":"normalize"}]"#,
    r#"[{"op":"brightness","factor":1.5}]"#,
    r#"[{"op":"contrast","factor":1.5}]"#,
    r#"[{"op":"saturation","factor":1.5}]"#,
    r#"[{"op":"hue","angle_degrees":90}]"#,
    r#"[{"op":"gamma","gamma":2.2}]"#,
    r##"[{"op":"tint","color":"#369","amount":0.5}]"##,
    r#"[{"op":"threshold","level":100}]"#,
    r#"[{"op":"posterize","levels":4}]"#,
    r#"[{"op":"emboss"},{"op":"edge"}]"#,
    r#"[{"op":"watermark","image":"img_1","gravity":"center","opacity":0.5,"scale":0.3}]"#,
    r#"[{"op":"watermark","image":"img_1","tile":true}]"#,
    r#"[{"op":"text","text":"a\nb","size":8,"color":"white","x":1,"y":1,"max_width":9}]"#,
    r#"[{"op":"text","text":"\u05d0 \ud83d\ude00 abc","size":20,"gravity":"center"}]"#,
    r#"[{"op":"draw","boxes":[{"x":1,"y":1,"width":3,"height":3}],"color":"red","thickness":1}]"#,
    r#"[{"op":"draw","arrows":[{"x1":1,"y1":1,"x2":5,"y2":5}],"color":"red"}]"#,
    r#"[{"op":"redact","regions":[{"x":1,"y":1,"width":3,"height":3}],"mode":"pixelate"}]"#,
    r#"[{"op":"flatten","background":"black"}]"#,
    r#"[{"op":"crop","width":4,"height":4,"gravity":"smart"}]"#,
];

pub(crate) fn all() -> Vec<Seed> {
    let seed = |(number, text): (usize, &&str)| {
        let value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        if let Err(failure) = Recipe::parse_steps(&value) {
            panic!("{text}: {failure}");
        }
        (format!("{number}.json"), text.as_bytes().to_vec())
    };
    RECIPES.iter().enumerate().map(seed).collect()
}

/// In the form of libFuzzer: every word that recipes know.
pub(crate) fn dictionary() -> String {
    let others = ["null", "true", "1e9", "-1", "0.001", "65535", "[{", "}]"].map(str::to_owned);
    let plain = |word: &String| word.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\');
    crate::words().into_iter().chain(others).filter(plain).map(|word| format!("\"{word}\"\n")).collect()
}

/// Names of parts, in the formats that have such.
pub(crate) fn tags() -> String {
    let tags = "IHDR PLTE tRNS IDAT acTL fcTL fdAT iCCP eXIf iTXt zTXt tEXt pHYs gAMA cHRM sRGB VP8X VP8\\x20 VP8L ALPH ANIM \
        ANMF EXIF XMP\\x20 ICCP ftypavif meta iloc iinf infe iprp ipco ipma ispe pixi av1C colr nclx prof auxl auxC dimg grid irot \
        imir mdat clap avis moov Exif\\x00\\x00 ICC_PROFILE\\x00 Adobe 8BIM mft1 mft2 mAB\\x20 mBA\\x20 curv para desc \
        NETSCAPE2.0 rdf:RDF rdf:li rdf:Seq xmlns: exif:GPSLatitude <svg <path <filter <use <mask <image <pattern <text <style \
        xlink:href url(# viewBox transform= feTurbulence feImage feTile feMorphology \\xff\\xda \\xff\\xc0 \\xff\\xc4 \\xff\\xdb \\xff\\xdd \
        \\xff\\xd0 \\xff\\xd9 \\xff\\xee";
    tags.split_whitespace().map(|tag| format!("\"{tag}\"\n")).collect()
}
