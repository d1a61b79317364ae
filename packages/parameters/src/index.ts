export { bytesIn, isPlainObject, kindOf, show } from './bytes.ts';
export { nearest } from './nearest.ts';
export {
  type OptionContext,
  type OptionProblem,
  type OptionProblemCode,
  validateOptions,
} from './options.ts';
export type { Parameter, ParameterType, ParameterUnit, Platform, ProtocolVersion } from './parameter.ts';
export { parseText } from './parse.ts';
export { findParameter, messageParameters, parameters } from './table.ts';
export { checkValue, describeRange, type ValueProblem, type ValueProblemCode } from './value.ts';
