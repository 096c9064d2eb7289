import { Component, type ReactNode } from 'react';

/** What this plugin adds to Strapi's own pages is a help: when it breaks, the page goes on without it. */
export class SilentBoundary extends Component<{ children: ReactNode }, { isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError(): { isBroken: boolean } {
    return { isBroken: true };
  }

  override render(): ReactNode {
    return this.state.isBroken ? null : this.props.children;
  }
}
