// Tells on which ground the page is, light or dark, and the lowest contrast of a text with what is behind it, from 1 to 21 as
// WCAG 2 reckons it (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).
(() => {
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const luminance = (color) => {
    const [r, g, b] = numbers(color).map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const isOpaque = (color) => (numbers(color)[3] ?? 1) === 1;
  const ground = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return isOpaque(color) ? color : ground(element.parentElement);
  };
  const contrast = (element) => {
    const both = [getComputedStyle(element).color, ground(element)].map(luminance);
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  };
  const hasText = (element) => element.matches("input, textarea") ||
    Array.from(element.childNodes).some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const texts = Array.from(document.querySelectorAll("body *")).filter(hasText);
  return {
    ground: luminance(ground(document.body)) < 0.5 ? "dark" : "light",
    contrast: Math.min(...texts.map(contrast)),
  };
})()
