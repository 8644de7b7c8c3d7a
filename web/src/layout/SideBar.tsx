import { Link, useRouterState } from "@tanstack/react-router";
import { t } from "@/i18n";
import { NowTraining } from "@/layout/NowTraining";
import { isHere, PLACES } from "@/layout/navigation";
import { Icon } from "@/shared/icons";

export function SideBar() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <header className="side">
      <Link
        to="/"
        aria-label={t("nav.home")}
        className="mb-6 flex items-center gap-3 rounded-control px-3 py-1 max-lg:px-0"
      >
        <Logo />
        <span className="wide-only font-semibold tracking-tight">{t("productName")}</span>
      </Link>
      <nav aria-label={t("nav.main")} className="grid gap-1">
        {PLACES.map((place) => (
          <Link
            key={place.to}
            to={place.to}
            title={t(`nav.${place.name}`)}
            aria-label={t(`nav.${place.name}`)}
            className="nav-link"
            aria-current={isHere(place, path) ? "page" : undefined}
            activeOptions={{ exact: true }}
          >
            <Icon name={place.icon} />
            <span className="wide-only">{t(`nav.${place.name}`)}</span>
          </Link>
        ))}
      </nav>
      <div className="grow" />
      <NowTraining />
    </header>
  );
}

function Logo() {
  return (
    <svg width={28} height={28} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" className="fill-ink" />
      <path
        d="M7 9c4 0 4.5 11 9 12.5 3 1 5-.5 9-.5"
        fill="none"
        className="stroke-canvas"
        strokeWidth="2.6"
        strokeLinecap="round"
      />
      <circle cx="25" cy="21" r="2.8" className="fill-accent" />
    </svg>
  );
}
