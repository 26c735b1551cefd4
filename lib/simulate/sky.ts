/**
 * Regions on the sky: quadrangles as the reference encodes them, and which pixels of the
 * hierarchical triangular mesh (HTM) they touch.
 *
 * @module
 */

/** A unit vector. */
export type Vector = readonly [x: number, y: number, z: number];

/** Level of the pixels in overlap tables: `htm7` is the common one of the dimension universe. */
export const OVERLAP_LEVEL = 7;

/** First byte of an encoded convex polygon. */
const CONVEX_POLYGON = 0x70;

/** Direction of a longitude and latitude in degrees. */
function direction(longitude: number, latitude: number): Vector {
  const a = longitude * Math.PI / 180;
  const b = latitude * Math.PI / 180;
  return [Math.cos(a) * Math.cos(b), Math.sin(a) * Math.cos(b), Math.sin(b)];
}

/** Corners, counter-clockwise, of a quadrangle with its lower left corner at (`x`, `y`), degrees. */
export function quadrangle(x: number, y: number, width: number, height: number): Vector[] {
  return [
    direction(x, y),
    direction(x + width, y),
    direction(x + width, y + height),
    direction(x, y + height),
  ];
}

/** A convex polygon as bytes: a type byte, then three little-endian doubles a corner. */
export function encodePolygon(corners: readonly Vector[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(1 + corners.length * 24);
  const view = new DataView(bytes.buffer);
  bytes[0] = CONVEX_POLYGON;
  corners.flat().forEach((value, i) => view.setFloat64(1 + 8 * i, value, true));
  return bytes;
}

const ROOT_CORNERS: readonly Vector[] = [
  [0, 0, 1],
  [1, 0, 0],
  [0, 1, 0],
  [-1, 0, 0],
  [0, -1, 0],
  [0, 0, -1],
];

/**
 * Corners of the eight root trixels, S0 to S3 and N0 to N3, which have the indices 8 to 15.
 *
 * Source: Kunszt, Szalay, Thakar: The Hierarchical Triangular Mesh (2001).
 */
const ROOTS: readonly (readonly number[])[] = [
  [1, 5, 2],
  [2, 5, 3],
  [3, 5, 4],
  [4, 5, 1],
  [1, 0, 4],
  [4, 0, 3],
  [3, 0, 2],
  [2, 0, 1],
];

/** Indices, ascending, of the pixels of {@linkcode OVERLAP_LEVEL} that a convex polygon touches. */
export function overlappingPixels(corners: readonly Vector[]): number[] {
  const found: number[] = [];
  const visit = (trixel: readonly Vector[], index: number, level: number): void => {
    if (areApart(trixel, corners) || areApart(corners, trixel)) return;
    if (level === OVERLAP_LEVEL) {
      found.push(index);
      return;
    }
    const [a, b, c] = trixel;
    const middles = [middle(b, c), middle(a, c), middle(a, b)];
    visit([a, middles[2], middles[1]], index * 4, level + 1);
    visit([b, middles[0], middles[2]], index * 4 + 1, level + 1);
    visit([c, middles[1], middles[0]], index * 4 + 2, level + 1);
    visit(middles, index * 4 + 3, level + 1);
  };
  ROOTS.forEach((root, i) => visit(root.map((corner) => ROOT_CORNERS[corner]), 8 + i, 0));
  return found;
}

/** Whether one side of a polygon has all corners of the other beyond it. */
function areApart(polygon: readonly Vector[], other: readonly Vector[]): boolean {
  return polygon.some(([ax, ay, az], i) => {
    const [bx, by, bz] = polygon[(i + 1) % polygon.length];
    const [nx, ny, nz] = [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
    return other.every(([x, y, z]) => nx * x + ny * y + nz * z < 0);
  });
}

function middle(a: Vector, b: Vector): Vector {
  const [x, y, z] = [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
  const length = Math.hypot(x, y, z);
  return [x / length, y / length, z / length];
}
