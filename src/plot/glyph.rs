//! Frames, blocks and braille as geometry, so that they meet without gaps whatever the font.

use super::picture::{Picture, Rgb};

/// A cell of a screen in pixels.
#[derive(Debug, Clone, Copy)]
pub struct CellBox {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Width.
    pub width: i32,
    /// Height.
    pub height: i32,
}

/// Draws a character that is geometry; `false` if it is none.
pub fn paint(picture: &mut Picture, cell: CellBox, sign: char, color: Rgb) -> bool {
    match sign {
        '\u{2500}'..='\u{257f}' => frame(picture, cell, sign, color),
        '\u{2580}'..='\u{259f}' => block(picture, cell, sign, color),
        '\u{2800}'..='\u{28ff}' => {
            braille(picture, cell, sign as u32 - 0x2800, color);
            true
        }
        '‖' => {
            let (thick, y) = (cell.width / 6, cell.y + cell.height / 4);
            for x in [cell.width / 4, cell.width - cell.width / 4 - thick] {
                picture.fill((cell.x + x, y), (thick, cell.height / 2), color);
            }
            true
        }
        _ => false,
    }
}

/// Which arms of a frame's character there are: left, right, up, down.
fn arms(sign: char) -> Option<[bool; 4]> {
    let arms = match sign {
        '─' => "lr",
        '│' => "ud",
        '┌' => "rd",
        '┐' => "ld",
        '└' => "ru",
        '┘' => "lu",
        '├' => "rud",
        '┤' => "lud",
        '┬' => "lrd",
        '┴' => "lru",
        '┼' => "lrud",
        _ => return None,
    };
    Some(['l', 'r', 'u', 'd'].map(|arm| arms.contains(arm)))
}

fn frame(picture: &mut Picture, cell: CellBox, sign: char, color: Rgb) -> bool {
    let thick = (cell.width / 8).max(1);
    let (middle_x, middle_y) = (cell.x + (cell.width - thick) / 2, cell.y + (cell.height - thick) / 2);
    if let Some([left, right, up, down]) = arms(sign) {
        if left {
            picture.fill((cell.x, middle_y), (middle_x + thick - cell.x, thick), color);
        }
        if right {
            picture.fill((middle_x, middle_y), (cell.x + cell.width - middle_x, thick), color);
        }
        if up {
            picture.fill((middle_x, cell.y), (thick, middle_y + thick - cell.y), color);
        }
        if down {
            picture.fill((middle_x, middle_y), (thick, cell.y + cell.height - middle_y), color);
        }
        return true;
    }
    let (to_right, to_bottom) = match sign {
        '╭' => (true, true),
        '╮' => (false, true),
        '╰' => (true, false),
        '╯' => (false, false),
        _ => return false,
    };
    corner(picture, cell, (middle_x, middle_y, thick), (to_right, to_bottom), color);
    true
}

/// A quarter of a circle from the middle of one edge to the middle of another, then straight on.
fn corner(
    picture: &mut Picture,
    cell: CellBox,
    (mx, my, thick): (i32, i32, i32),
    (right, bottom): (bool, bool),
    color: Rgb,
) {
    let radius = if right { cell.x + cell.width - mx } else { mx + thick - cell.x } as f32 - thick as f32 / 2.0;
    let half = thick as f32 / 2.0;
    let center_x = mx as f32 + half + if right { radius } else { -radius };
    let center_y = my as f32 + half + if bottom { radius } else { -radius };
    for y in cell.y..cell.y + cell.height {
        for x in cell.x..cell.x + cell.width {
            let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
            let beyond = if bottom { py >= center_y } else { py <= center_y };
            let distance = if beyond {
                // Past the arc the line goes straight to the edge.
                if (px - (mx as f32 + half)).abs() < half { 0.0 } else { f32::MAX }
            } else {
                let inside = if right { px <= center_x } else { px >= center_x };
                if inside { ((px - center_x).hypot(py - center_y) - radius).abs() } else { f32::MAX }
            };
            picture.blend(x, y, color, (half + 0.5 - distance).clamp(0.0, 1.0));
        }
    }
}

fn block(picture: &mut Picture, cell: CellBox, sign: char, color: Rgb) -> bool {
    let CellBox { x, y, width, height } = cell;
    match sign {
        '█' => picture.fill((x, y), (width, height), color),
        '▀' => picture.fill((x, y), (width, height / 2), color),
        '▐' => picture.fill((x + width / 2, y), (width - width / 2, height), color),
        '\u{2581}'..='\u{2587}' => {
            let filled = height * (sign as i32 - 0x2580) / 8;
            picture.fill((x, y + height - filled), (width, filled), color);
        }
        '\u{2589}'..='\u{258f}' => picture.fill((x, y), (width * (0x2590 - sign as i32) / 8, height), color),
        '░' | '▒' | '▓' => {
            let cover = [0.35, 0.55, 0.75][(sign as usize - '░' as usize).min(2)];
            for row in y..y + height {
                for column in x..x + width {
                    picture.blend(column, row, color, cover);
                }
            }
        }
        _ => return false,
    }
    true
}

/// The eight dots of a braille character, as its bits say.
fn braille(picture: &mut Picture, cell: CellBox, bits: u32, color: Rgb) {
    const DOTS: [(i32, i32); 8] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];
    let (step_x, step_y) = (cell.width as f32 / 2.0, cell.height as f32 / 4.0);
    let radius = step_x.min(step_y) * 0.36;
    for (bit, (column, row)) in DOTS.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1) {
        debug_assert!(bit < 8);
        let center_x = cell.x as f32 + (*column as f32 + 0.5) * step_x;
        let center_y = cell.y as f32 + (*row as f32 + 0.5) * step_y;
        let reach = radius.ceil() as i32 + 1;
        for y in center_y as i32 - reach..=center_y as i32 + reach {
            for x in center_x as i32 - reach..=center_x as i32 + reach {
                let distance = (x as f32 + 0.5 - center_x).hypot(y as f32 + 0.5 - center_y);
                picture.blend(x, y, color, (radius + 0.5 - distance).clamp(0.0, 1.0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: CellBox = CellBox { x: 0, y: 0, width: 12, height: 26 };

    fn painted(sign: char) -> Picture {
        let mut picture = Picture::new(12, 26, (0, 0, 0));
        assert!(paint(&mut picture, CELL, sign, (255, 255, 255)), "{sign}");
        picture
    }

    fn lit(picture: &Picture, x: usize, y: usize) -> bool {
        picture.bytes[(y * picture.width as usize + x) * 3] > 128
    }

    #[test]
    fn corners_meet_the_lines_beside_and_below() {
        let (line, bar) = (painted('─'), painted('│'));
        for (sign, right, bottom) in [('╭', true, true), ('╮', false, true), ('╰', true, false), ('╯', false, false)]
        {
            let corner = painted(sign);
            let (edge_x, edge_y) = (if right { 11 } else { 0 }, if bottom { 25 } else { 0 });
            for y in 0..26 {
                assert_eq!(lit(&corner, edge_x, y), lit(&line, edge_x, y), "{sign} row {y}");
            }
            for x in 0..12 {
                assert_eq!(lit(&corner, x, edge_y), lit(&bar, x, edge_y), "{sign} column {x}");
            }
        }
    }

    #[test]
    fn braille_dots_are_where_their_bits_say() {
        let picture = painted('\u{2801}');
        assert!(lit(&picture, 3, 3) && !lit(&picture, 8, 3) && !lit(&picture, 3, 9));
        let picture = painted('\u{2880}');
        assert!(lit(&picture, 9, 22) && !lit(&picture, 3, 22));
    }

    #[test]
    fn letters_are_no_geometry() {
        assert!(!paint(&mut Picture::new(12, 26, (0, 0, 0)), CELL, 'A', (1, 1, 1)));
    }
}
