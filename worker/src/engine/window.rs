//! What the first steps of a recipe keep of a picture, how it is turned, and at what size: several crops, quarter turns
//! and one resize are one rectangle, known in numbers before a pixel is decoded.

use common::{Failure, Step, recipe::Speed};

use super::{
    limits::Size,
    orient, plan,
    step::{self, Notes, resize::Resampling},
};

/// Left, top, width, height. Fractions count.
pub(crate) type Area = (f64, f64, f64, f64);

/// A part of an upright picture, and the size to which it is brought.
#[derive(Debug)]
pub(crate) struct Window {
    /// How the upright picture is turned first: an EXIF orientation.
    pub(crate) turn: u8,
    /// Pixels of the source once it is turned.
    source: Size,
    /// The part, in pixels of the turned source.
    area: Area,
    /// Pixels of the result.
    pub(crate) size: Size,
    pub(crate) resampling: Resampling,
    /// Whether there is a step that changes the size.
    pub(crate) resizes: bool,
    /// How many steps it stands for.
    pub(crate) steps: usize,
    /// What these steps have to tell.
    pub(crate) notes: Notes,
}

impl Window {
    /// Takes as many of the first steps together as can be.
    ///
    /// # Errors
    /// What the steps say of a picture of size `source`.
    pub(crate) fn over(steps: &[Step], source: Size) -> Result<Self, Failure> {
        let whole = (0.0, 0.0, f64::from(source.width), f64::from(source.height));
        let mut window = Self {
            turn: 1,
            source,
            area: whole,
            size: source,
            resampling: Resampling::default(),
            resizes: false,
            steps: 0,
            notes: Notes::default(),
        };
        for (index, step) in steps.iter().enumerate() {
            let path = plan::path_of(index);
            match step {
                Step::AutoOrient(_) => {}
                Step::Flip(_) => {
                    window.turn(orient::FLIP);
                    window.notes.applied("flip");
                }
                Step::Flop(_) => {
                    window.turn(orient::FLOP);
                    window.notes.applied("flop");
                }
                Step::Rotate(rotate) => {
                    let Some(turn) = step::rotate::decide(rotate, &path, &mut window.notes) else { break };
                    window.turn(turn);
                }
                Step::Crop(crop) if !step::crop::asks_the_picture(crop) => {
                    let hold = crop.gravity.fractions();
                    let rectangle = step::crop::decide(crop, window.size, hold, &path, &mut window.notes)?;
                    let (x, y) = (f64::from(rectangle.x), f64::from(rectangle.y));
                    let sides = (f64::from(rectangle.size.width), f64::from(rectangle.size.height));
                    window.cut((x, y, sides.0, sides.1), rectangle.size);
                }
                Step::Resize(resize) if !step::resize::asks_the_picture(resize) => {
                    let hold = resize.gravity.fractions();
                    let place = step::resize::place(resize, window.size, hold);
                    let Some(resampling) = Resampling::smooth(resize.filter) else { break };
                    if place.picture != place.canvas || (window.resizes && !place.changes_nothing(window.size)) {
                        break;
                    }
                    if let Some(place) = step::resize::decide(resize, window.size, hold, &path, &mut window.notes) {
                        window.cut(place.source, place.canvas);
                        (window.resizes, window.resampling) = (true, resampling);
                    }
                }
                _ => break,
            }
            window.steps = index + 1;
        }
        Ok(window)
    }

    fn turn(&mut self, orientation: u8) {
        let (width, height) = (f64::from(self.source.width), f64::from(self.source.height));
        self.area = orient::turned_part(self.area, width, height, orientation);
        if orient::swaps_sides(orientation) {
            (self.source, self.size) = (self.source.swapped(), self.size.swapped());
        }
        self.turn = orient::then(self.turn, orientation);
    }

    /// Keeps `part` of what is seen and shows it as `size`.
    fn cut(&mut self, part: Area, size: Size) {
        let (left, top, width, height) = self.area;
        let across = width / f64::from(self.size.width);
        let down = height / f64::from(self.size.height);
        self.area = (left + part.0 * across, top + part.1 * down, part.2 * across, part.3 * down);
        self.size = size;
    }

    /// The part as fractions of the source.
    pub(crate) fn parts(&self) -> Area {
        let (width, height) = (f64::from(self.source.width), f64::from(self.source.height));
        let (left, top, across, down) = self.area;
        (left / width, top / height, across / width, down / height)
    }

    /// The least scale at which the source may be decoded: 1 or more is the source as it is.
    pub(crate) fn scale(&self, speed: Speed) -> f64 {
        let across = f64::from(self.size.width) / self.area.2;
        let down = f64::from(self.size.height) / self.area.3;
        let most = across.max(down);
        match speed {
            // With little more than what is shown, the edges between blocks of the source would be seen.
            Speed::Fast => most * 1.15,
            Speed::Hq => most * 2.0,
        }
    }
}
