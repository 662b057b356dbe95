// A small phone: what a mini program does with the API, from login to signing in.
import { Client, later, Refused, type Schemas } from "./client";

const api = new Client("https://example.cn");
let serial = 0;
const newKey = (): string => `phone-${Date.now()}-${serial++}`;

export async function login(): Promise<Schemas["Me"]> {
  const { code } = await new Promise<{ code: string }>((success, fail) => wx.login({ success, fail }));
  const answer = await api.call("post", "/api/v1/auth/wechat", { body: { code } });
  api.token = answer.access_token;
  return answer.user;
}

export async function file(files: string[], place: { longitude: number; latitude: number }): Promise<Schemas["Report"]> {
  const location = { ...place, coord_type: "gcj02" as const, picked_by: "gps" };
  const found = await api.call("get", "/api/v1/regions/locate", { query: { ...place, coord_type: "gcj02" } });
  const categories = await api.call("get", "/api/v1/categories", {});
  const near = await api.call("get", "/api/v1/reports/nearby", {
    query: { ...place, coord_type: "gcj02", category_code: "E0102" },
  });
  const known = near[0];
  if (known) {
    return api.call("post", "/api/v1/reports/{report_id}/me-too", { path: { report_id: known.id }, body: {} }, newKey());
  }
  const photos = await Promise.all(files.map((each) => api.upload(each, newKey())));
  const body: Schemas["FileBody"] = {
    category_code: categories.find((each) => each.name.includes("垃圾"))?.code ?? "E0102",
    description: `${found.village.full_name}垃圾箱满溢`,
    photo_ids: photos.map((photo) => photo.id),
    location,
  };
  try {
    return await settled(await api.call("post", "/api/v1/reports", { body }, newKey()));
  } catch (error) {
    if (error instanceof Refused && error.problem.code === "redirect_12345") {
      throw new Error(error.message);
    }
    throw error;
  }
}

/** Ask until a worker has routed the report: a few seconds, less and less often. */
async function settled(report: Schemas["Report"]): Promise<Schemas["Report"]> {
  for (const seconds of [1, 2, 4, 8]) {
    if (report.state !== "submitted") break;
    await later(seconds * 1000);
    report = await api.call("get", "/api/v1/reports/{report_id}", { path: { report_id: report.id } });
  }
  return report;
}

export async function mine(): Promise<Schemas["ReportItem"][]> {
  const found: Schemas["ReportItem"][] = [];
  let cursor: string | null = null;
  do {
    const query: { scope: "mine"; cursor?: string } = { scope: "mine" };
    if (cursor) query.cursor = cursor;
    const page: Schemas["ReportPage"] = await api.call("get", "/api/v1/reports", { query });
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return found;
}

export async function confirm(report: Schemas["Report"]): Promise<Schemas["Report"]> {
  if (!report.available_actions.includes("confirm")) return report;
  const body: Schemas["ActionBody"] = { action: "confirm", version: report.version, rating: 5 };
  return api.call("post", "/api/v1/reports/{report_id}/actions", { path: { report_id: report.id }, body }, newKey());
}

export async function signIn(session_id: string, code: string): Promise<Schemas["SignInWire"]["state"]> {
  const path = { session_id };
  await api.call("post", "/api/v1/training/sessions/{session_id}/enrolments", { path }, newKey());
  const body: Schemas["SignInBody"] = { code, client_time: new Date().toISOString() };
  const made = await api.call("post", "/api/v1/training/sessions/{session_id}/sign-ins", { path, body }, newKey());
  return made.state;
}

export async function wrong(): Promise<void> {
  // @ts-expect-error a report needs a place
  const body: Schemas["FileBody"] = { category_code: "E0102", description: "x" };
  // @ts-expect-error the system's own action is nobody's
  const action: Schemas["ActionBody"]["action"] = "auto_close";
  // @ts-expect-error the scope is required
  await api.call("get", "/api/v1/reports", { query: {} });
  // @ts-expect-error no such path
  await api.call("get", "/api/v1/report", {});
  void [body, action];
}
