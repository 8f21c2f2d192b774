// Starts every behaviour on the page, and on whatever htmx brings in later.
import { closeMenus } from "./modules/menus.js";
import { startDialogs } from "./modules/dialog.js";
import { enhanceFiles } from "./modules/files.js";
import { startKeys } from "./modules/keys.js";
import { enhanceLookups } from "./modules/lookup.js";
import { enhanceParties } from "./modules/parties.js";
import { enhancePasskeys } from "./modules/passkeys.js";
import { rememberRecord, showRecent } from "./modules/recent.js";
import { startRows } from "./modules/rows.js";
import { enhanceRules } from "./modules/rules.js";
import { enhanceSummaries, enhanceTabs } from "./modules/tabs.js";
import { startTheme } from "./modules/theme.js";
import { guardForms } from "./modules/unsaved.js";

function enhance() {
  enhanceTabs();
  enhanceSummaries();
  enhanceLookups();
  enhanceParties();
  enhanceFiles();
  enhancePasskeys();
  enhanceRules(); // before guardForms: what a rule refuses is not being sent
  guardForms();
}

closeMenus();
startDialogs();
startKeys();
startRows();
startTheme();
rememberRecord();
showRecent();
enhance();
document.addEventListener("htmx:after:swap", enhance);
