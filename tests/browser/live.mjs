// node live.mjs URL: a page of a run that goes on is kept up to date, and steers it.
import { check, enter, must, open, problems, tab } from "./browser.mjs";

const [url] = process.argv.slice(2);
const browser = await open();
try {
  const page = await tab(browser);
  await enter(page, url);
  const standing = () => page.locator("#standing").textContent();
  const becomes = async (what, isSo) => {
    for (let look = 0; look < 150; look += 1) {
      if (isSo(await standing())) return;
      await page.waitForTimeout(200);
    }
    must(false, `${what}: ${await standing()}`);
  };
  const first = await standing();
  must(first.startsWith("running"), first);
  let loads = 0;
  page.on("load", () => { loads += 1; });
  await becomes("it is not kept up to date", (now) => now !== first);
  await page.locator("#caps summary").click();
  await page.waitForTimeout(2500);
  must(await page.locator("#caps").evaluate((it) => it.open), "what was opened is closed by an update");
  must(loads === 0, "an update loads the page again");

  await page.locator("input[name=calls]").fill("3,900");
  await page.getByRole("button", { name: "Set" }).click();
  await becomes("a cap is not set", (now) => now.includes("/3,900 calls"));
  await page.getByRole("button", { name: "Pause" }).click();
  await becomes("it is not paused", (now) => now.startsWith("paused"));
  await check(page, "overview of a paused run");
  await page.getByRole("button", { name: "Continue" }).click();
  await becomes("it does not go on", (now) => now.startsWith("running"));
  await page.locator("#caps summary").click();
  await page.locator("input[name=usd]").fill("much");
  await page.getByRole("button", { name: "Set" }).click();
  must((await page.locator(".control .trouble").textContent()).includes("2.50"), "nonsense is taken");

  // A page of another place can neither send this form nor read this server.
  const other = await tab(browser);
  await other.goto("data:text/html,<title>elsewhere</title>");
  const origin = new URL(url).origin;
  const got = await other.evaluate(async (at) => {
    try { return (await fetch(at, { credentials: "include" })).status; } catch { return "refused"; }
  }, `${origin}/run/slow/overview`);
  must(got === "refused", `another page reads ${got}`);

  await page.getByRole("button", { name: "Stop" }).click();
  await becomes("it does not stop", (now) => now.startsWith("interrupted"));
} finally {
  await browser.close();
}
must(problems.length === 0, problems.join("\n"));
console.log("ok");
