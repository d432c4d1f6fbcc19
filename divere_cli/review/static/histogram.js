// The histogram of the picture as it is shown, and what clips on it and on the scan.

const INK = ["#ff7a6e", "#7fd08a", "#7fa8ff"];

export function draw(canvas, details) {
  const pen = canvas.getContext("2d");
  const { width, height } = canvas;
  pen.clearRect(0, 0, width, height);
  if (!details) return;
  const counts = details.counts;
  const inner = counts.flatMap((channel) => channel.slice(1, -1)).sort((a, b) => a - b);
  const top = Math.max(1, inner[Math.floor(inner.length * 0.985)] || 1);
  pen.strokeStyle = "#3a3a3a";
  for (const x of [0.25, 0.5, 0.75]) { pen.beginPath(); pen.moveTo(x * width, 0); pen.lineTo(x * width, height); pen.stroke(); }
  pen.globalCompositeOperation = "lighter";
  counts.forEach((channel, index) => {
    pen.fillStyle = counts.length === 1 ? "#c8c8c8" : INK[index];
    pen.globalAlpha = counts.length === 1 ? 1 : 0.62;
    pen.beginPath();
    pen.moveTo(0, height);
    channel.forEach((count, bin) => {
      const y = height - Math.min(1, count / top) * (height - 6);
      pen.lineTo((bin / channel.length) * width, y);
      pen.lineTo(((bin + 1) / channel.length) * width, y);
    });
    pen.lineTo(width, height);
    pen.fill();
  });
  pen.globalAlpha = 1;
  pen.globalCompositeOperation = "source-over";
  triangle(pen, details.low, 0, 1);
  triangle(pen, details.high, width, -1);
}

function triangle(pen, shares, x, towards) {
  if (Math.max(...shares) < 0.001) return;
  pen.fillStyle = "#ffffff";
  pen.beginPath();
  pen.moveTo(x, 0); pen.lineTo(x + towards * 22, 0); pen.lineTo(x, 22);
  pen.fill();
}

export function words(details, facts) {
  const parts = [];
  const dark = details ? Math.max(...details.low) : 0, light = details ? Math.max(...details.high) : 0;
  if (dark >= 0.001) parts.push(["black ", percent(dark), channels(details.low)]);
  if (light >= 0.001) parts.push(["white ", percent(light), channels(details.high)]);
  const scan = facts?.clipped ? Math.max(...facts.clipped.top, 0) : 0;
  if (scan >= 0.0005) parts.push(["clipped on the scan ", percent(scan), ""]);
  return parts;
}

const percent = (share) => `${(share * 100).toFixed(share < 0.01 ? 1 : 0)} %`;
function channels(shares) {
  if (shares.length < 3) return "";
  const hit = ["R", "G", "B"].filter((_, index) => shares[index] >= 0.001);
  return hit.length === 3 ? "" : ` ${hit.join(" ")}`;
}
