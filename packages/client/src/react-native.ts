/** For the condition `react-native` of bundlers: there is nothing for it, and that is better told than found out. */
throw new Error(
  '@hawser/client does not run in React Native: its engine has neither sockets of Node nor all of Web Crypto and the language that a page has',
);

export {};
