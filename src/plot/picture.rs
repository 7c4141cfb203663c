//! A picture in memory: pixels, blending, halving, PNG.

use super::PlotError;

/// Red, green, blue.
pub type Rgb = (u8, u8, u8);

/// 24-bit pixels, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Three bytes a pixel.
    pub bytes: Vec<u8>,
}

impl Picture {
    /// A picture in one colour.
    pub fn new(width: u32, height: u32, (r, g, b): Rgb) -> Self {
        let bytes = [r, g, b].repeat(width as usize * height as usize);
        Self { width, height, bytes }
    }

    /// Lays a colour over a pixel; `cover` is how much of it, from 0 to 1. Pixels outside are left out.
    pub fn blend(&mut self, x: i32, y: i32, color: Rgb, cover: f32) {
        if x < 0 || y < 0 || x >= self.width as i32 || y >= self.height as i32 || cover <= 0.0 {
            return;
        }
        let at = (y as usize * self.width as usize + x as usize) * 3;
        let cover = cover.min(1.0);
        for (old, new) in self.bytes[at..at + 3].iter_mut().zip([color.0, color.1, color.2]) {
            *old = (f32::from(*old) + (f32::from(new) - f32::from(*old)) * cover).round() as u8;
        }
    }

    /// Fills a rectangle.
    pub fn fill(&mut self, (x, y): (i32, i32), (width, height): (i32, i32), color: Rgb) {
        for row in y..y + height {
            for column in x..x + width {
                self.blend(column, row, color, 1.0);
            }
        }
    }

    /// The picture at half the size, four pixels averaged into one: smooth edges for what was drawn with hard ones.
    pub fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut bytes = Vec::with_capacity(width as usize * height as usize * 3);
        let stride = self.width as usize * 3;
        for y in 0..height as usize {
            for x in 0..width as usize {
                let at = y * 2 * stride + x * 6;
                for channel in at..at + 3 {
                    let four = [channel, channel + 3, channel + stride, channel + stride + 3];
                    let sum: u32 = four.iter().map(|i| u32::from(self.bytes[*i])).sum();
                    bytes.push(((sum + 2) / 4) as u8);
                }
            }
        }
        Self { width, height, bytes }
    }

    /// The picture as a PNG file. The same picture gives the same bytes.
    pub fn png(&self) -> Result<Vec<u8>, PlotError> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Balanced);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.bytes)?;
        writer.finish()?;
        Ok(out)
    }
}

#[cfg(test)]
pub(super) fn decode(bytes: &[u8]) -> Picture {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    Picture { width: info.width, height: info.height, bytes: pixels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_survives_png() {
        let mut picture = Picture::new(3, 2, (10, 20, 30));
        picture.blend(1, 1, (255, 0, 0), 1.0);
        picture.blend(9, 9, (255, 0, 0), 1.0);
        picture.blend(-1, 0, (255, 0, 0), 1.0);
        assert_eq!(decode(&picture.png().unwrap()), picture);
    }

    #[test]
    fn halving_averages() {
        let mut picture = Picture::new(2, 2, (0, 0, 0));
        picture.blend(0, 0, (200, 0, 100), 1.0);
        assert_eq!(picture.halved(), Picture::new(1, 1, (50, 0, 25)));
    }
}
