/*
 * What a browser has and jsdom has not, and Lumino's widgets ask for when they are loaded.
 */

Object.assign(globalThis, { DragEvent: class extends MouseEvent {} });
