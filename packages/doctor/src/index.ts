export { type DoctorOptions, examine } from './examine.ts';
export type {
  Capabilities,
  DoctorReport,
  DoctorStage,
  Finding,
  Language,
  ReportedError,
  Severity,
  StageEvidence,
  StageReport,
  TrialStage,
} from './report.ts';
